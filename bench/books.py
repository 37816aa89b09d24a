"""Book ratings on real data: trained beside its baselines, then 10,000 books ranked for one reader at once.

python -m bench.books FOLDER --base MODEL, where FOLDER holds book_ratings.parquet and books.parquet.
"""

import argparse
import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
from tokenizers import Tokenizer

from bench.road import call, console, last_run, served
from bentos.model_store import load_entry
from train.book_ratings import book_text, pairs

TASK = "book-ratings"
FOLDER = Path("runs/books")
RESULT = Path(__file__).parent / "results" / f"{TASK}.json"
BOOKS = 10_000
TIMES = 3
AVERAGE, READERS = 7.8, 12  # of the made-up further books


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.books", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--base", required=True, help="model_name_or_path to start from")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a task key")
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    files = [str(arguments.data / name) for name in ("book_ratings.parquet", "books.parquet")]
    table = FOLDER / "pairs.parquet"
    call("train.book_ratings", *files, str(table))
    settings = [f"train_file={table}", f"model_name_or_path={arguments.base}", *arguments.set]
    if not (FOLDER / TASK / "last_run.json").exists():  # a finished run is served as it is
        call("train", TASK, "--runs", str(FOLDER), "--baseline", *(p for s in settings for p in ("--set", s)))
    run = last_run(FOLDER, TASK)
    with served(TASK, "onnx-int8", FOLDER) as url:
        ranking = rank(url, *one_reader(*map(pd.read_parquet, files)))
    result = {
        "system": TASK,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "settings": arguments.set,
        **{name: run[name] for name in ("metrics", "baseline", "baselines", "training_seconds")},
        "rows": run["data"]["rows"],
        "ranking": ranking | sides(run["tags"]["onnx-int8"], table),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    console.print(result["ranking"], f"Written: {RESULT}")
    return 0


def one_reader(ratings: pd.DataFrame, books: pd.DataFrame) -> tuple[str, list[str]]:
    """The profile of a reader of many books, and 10,000 books: all there are, and further volumes of them."""
    table = pairs(ratings, books)
    reader = table["user_id"].value_counts().index[20]
    profile = str(table[(table["user_id"] == reader) & (table["split"] == "test")]["profile"].iloc[0])
    rows: list[Any] = books.to_dict("records")
    more = [{**row, "title": f"{row['title']}, volume 2"} for row in rows]
    return profile, [book_text(row, AVERAGE, READERS) for row in [*rows, *more][:BOOKS]]


def rank(url: str, profile: str, books: list[str]) -> dict[str, Any]:
    """What a request takes for all books, and one for a single book; each book is another each time."""
    seconds = []
    for i in range(TIMES):
        inputs = [{"text": profile, "text_pair": f"{book} {i}"} for book in books]
        body = json.dumps({"inputs": inputs}).encode()
        started = time.perf_counter()
        answer = httpx.post(f"{url}/predict", content=body, headers=JSON, timeout=600).raise_for_status()
        seconds.append(time.perf_counter() - started)
        scores = [one[0]["score"] for one in answer.json()]
    started = time.perf_counter()
    httpx.post(f"{url}/predict", json={"inputs": {"text": profile, "text_pair": "New"}}, timeout=60)
    return {
        "books": len(scores),
        "seconds": [round(one, 2) for one in seconds],
        "body_bytes": len(body),
        "answer_bytes": len(answer.content),
        "one_book_ms": round(1000 * (time.perf_counter() - started), 1),
    }


def sides(tag: str, table: Path) -> dict[str, float]:
    """Mean tokens of the reader's side and of the book's in the test rows."""
    tokenizer = Tokenizer.from_file(str(load_entry(tag).path / "tokenizer.json"))
    rows = pd.read_parquet(table)
    rows = rows[rows["split"] == "test"]
    return {
        f"{side}_tokens": round(
            sum(len(e) for e in tokenizer.encode_batch(rows[side].tolist(), add_special_tokens=False))
            / len(rows),
            1,
        )
        for side in ("profile", "book")
    }


JSON = {"Content-Type": "application/json"}

if __name__ == "__main__":
    sys.exit(main())
