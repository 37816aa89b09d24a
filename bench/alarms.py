"""How often the monitor alarms, without a change and with one: python -m bench.alarms FOLDER [PART ...]

FOLDER holds steam.parquet and imdb.parquet (column text). Their texts go once through a stored model, and
references and windows are drawn from its answers. `false_alarms`: fresh references and windows of one source,
in six pairs of sizes; `wobble`: a random 2 % of each window from elsewhere, ranked after the burn-in;
`detection`: windows of 1,000 rows with a change, beside the best single column and Evidently's defaults, all
at one rate of false alarms. Writes bench/results/alarms.json after each part.
"""

import argparse
import json
import random
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from scipy.stats import binom

from bench.compare_result import machine
from bench.full_size import WORK
from bench.road import console
from bentos.model_store import load_entry, write_atomically
from bentos.postprocess import probabilities
from bentos.request_log import Row, make_row
from bentos.runner import Loaded, load_sound
from monitoring.chance import surprise
from monitoring.columns import Columns, joined, to_columns
from monitoring.drift import Baseline, compare, effect, moved
from monitoring.ranking import BURN_IN, rank

RESULT = Path(__file__).parent / "results" / "alarms.json"
CACHE = WORK / "alarms"
POOL, OTHER = 40_000, 6_000  # rows without a change, and of each change
ALPHA = 0.05
SIZES = [(reference, window) for reference in (1_000, 10_000) for window in (200, 1_000, 10_000)]
REFERENCE, WINDOW = 5_000, 1_000  # of the other parts
CALL = 16  # texts of one model call
CUT = 40  # characters of a truncated text
GAME = "Final Fantasy VIII Remastered"  # no other part has a text about it
LABELS = ["negative", "positive"]
Figures = dict[str, Any]
Pools = dict[str, Columns]
Value = TypeVar("Value")
SHARED: Pools = {}  # in a worker process
CHANGES: dict[str, tuple[str, float]] = {  # what a share of the window is replaced by
    "film reviews, 10 %": ("films", 0.1),
    "film reviews, 20 %": ("films", 0.2),
    "an unseen game, 10 %": ("game", 0.1),
    "an unseen game, 20 %": ("game", 0.2),
    "typing errors, 10 %": ("typos", 0.1),
    "truncated, 10 %": ("truncated", 0.1),
    "capitals, 5 %": ("capitals", 0.05),
    "class mix, 12 % more of one label": ("negative", 0.12),
}


def with_typos(text: str) -> str:
    """One letter of fifteen replaced."""
    letters, generator = list(text), random.Random(text)
    for _ in range(max(1, len(letters) // 15)):
        letters[generator.randrange(len(letters))] = generator.choice("abcdefghijklmnopqrstuvwxyz")
    return "".join(letters)


def steam_reviews(folder: Path) -> pd.DataFrame:
    """Shuffled, with a text."""
    steam = pd.read_parquet(folder / "steam.parquet").sample(frac=1, random_state=1)
    return steam[steam["text"].str.strip() != ""]


def texts_of(folder: Path) -> dict[str, list[str]]:
    """The texts of each pool."""
    texts = steam_reviews(folder)["text"].tolist()
    changed = texts[POOL : POOL + OTHER]
    films = pd.read_parquet(folder / "imdb.parquet")["text"].sample(OTHER, random_state=1)
    return {
        "usual": texts[:POOL],
        "films": films.tolist(),
        "typos": [with_typos(text) for text in changed],
        "truncated": [text[:CUT] for text in changed],
        "capitals": [text.upper() for text in changed],
    }


def pools(folder: Path, tag: str) -> Pools:
    """The answers to all texts as columns, computed once."""
    loaded = load_sound(load_entry(tag))
    CACHE.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, texts in texts_of(folder).items():
        path = CACHE / f"{loaded.entry.tag.replace(':', '-')}-{name}.rows.parquet"
        if not path.exists():
            console.print(f"{name}: {len(texts):,} texts through {loaded.entry.tag}")
            pd.DataFrame(answered(loaded, texts)).to_parquet(path)
        rows: list[Row] = [
            {
                **{str(key): value for key, value in row.items()},
                "probs": list(row["probs"]),
                "buckets": row["buckets"],
            }
            for row in pd.read_parquet(path).to_dict("records")
        ]
        found[name] = to_columns(rows, loaded.entry.task)
    of_game = (steam_reviews(folder)["app"] == GAME).to_numpy()[:POOL]
    usual, found["game"] = (found["usual"].take(np.flatnonzero(one)) for one in (~of_game, of_game))
    found["usual"] = usual
    first = loaded.entry.task.labels[0]
    console.print(f"{(usual.labels == 0).mean():.0%} of the usual answers are {first}")
    found["negative"] = usual.take(np.flatnonzero(usual.labels == 0))
    return found


def answered(loaded: Loaded, texts: Sequence[str]) -> list[Row]:
    """The log row of each text, in their order; texts of like length share a call."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    calls = [[texts[i] for i in order[start : start + CALL]] for start in range(0, len(order), CALL)]
    with ThreadPoolExecutor() as pool:
        rows = (row for rows in pool.map(partial(one_call, loaded), calls) for row in rows)
        placed = dict(zip(order, rows, strict=True))
    return [placed[i] for i in range(len(texts))]


def one_call(loaded: Loaded, texts: Sequence[Any]) -> list[Row]:
    entry, encoded = loaded.entry, loaded.preprocess(texts)
    logits = loaded.model.run(loaded.preprocess.pad(encoded))
    scores = probabilities(logits, entry.task.problem_type, entry.temperature)
    return [
        make_row(
            ts=None,
            request_id="",
            index=i,
            model_tag=entry.tag,
            labels=entry.task.labels,
            probs=scores[i],
            latency_ms=None,
            text=text,
            encoded=encoded[i],
            log_inputs="hash",
            key=b"bench",
        )
        for i, text in enumerate(texts)
    ]


def false_alarms(found: Pools, repeats: int) -> Figures:
    """The share of windows flagged where nothing has changed, beside what is stated."""
    figures = Figures(stated=ALPHA, windows=repeats, band=band(repeats))
    for n_reference, n_window in SIZES:
        p = in_processes(found, partial(family_p, n_reference, n_window), repeats)
        figures[f"reference {n_reference}, window {n_window}"] = sum(one <= ALPHA for one in p) / repeats
        console.print(figures)
    return figures


def in_processes(found: Pools, work: Callable[[int], Value], repeats: int) -> list[Value]:
    """`work` of each seed, on all cores; it finds the pools in SHARED."""
    with ProcessPoolExecutor(initializer=SHARED.update, initargs=(found,)) as pool:
        return list(pool.map(work, range(repeats)))


def family_p(n_reference: int, n_window: int, seed: int) -> float:
    """The p of a fresh window beside a fresh reference."""
    reference, current = drawn(seed, n_reference, n_window)
    baseline = Baseline(reference, LABELS)
    null = baseline.null(current, n_window)
    return min(one.p for one in compare(baseline, baseline.bins.count(current), null, ALPHA))


def drawn(
    seed: int, n_reference: int, n_window: int, change: str = "films", part: float = 0
) -> tuple[Columns, Columns]:
    """Usual rows as a reference, and others as a window of which a part is replaced."""
    rng, usual, changed = np.random.default_rng(seed), SHARED["usual"], SHARED[change]
    n_other = rng.binomial(n_window, min(part, 1.0))
    rows = rng.permutation(len(usual))[: n_reference + n_window - n_other]
    others = changed.take(rng.choice(len(changed), n_other, replace=False))
    return usual.take(rows[:n_reference]), joined([usual.take(rows[n_reference:]), others])


def wobble(found: Pools, repeats: int) -> Figures:
    """The share flagged by rank among the BURN_IN windows before, where all wobble."""
    figures = Figures(stated=ALPHA, windows=repeats, band=band(repeats))
    for n_reference, n_window in SIZES:
        effects = in_processes(found, partial(wobbling_effects, n_reference, n_window), BURN_IN + repeats)
        p = [min(rank(effects[i : i + BURN_IN], effects[i + BURN_IN]).values()) for i in range(repeats)]
        figures[f"reference {n_reference}, window {n_window}"] = sum(one <= ALPHA for one in p) / repeats
        console.print(figures)
    return figures


def wobbling_effects(n_reference: int, n_window: int, seed: int) -> dict[str, float]:
    """The effects of a window beside the one reference of its size; about 2 % of it is from elsewhere."""
    baseline = first_rows(n_reference)
    part = abs(np.random.default_rng(seed).normal(0, 0.02))
    counts = baseline.bins.count(drawn(seed, 0, n_window, "films", part)[1])
    return {
        test.name: effect(float(apart.score), n_reference, n_window)
        for test, apart in moved(baseline, counts).items()
    }


@cache
def first_rows(n: int) -> Baseline:
    """A reference that stays the same."""
    return Baseline(SHARED["usual"].take(np.arange(n)), LABELS)


def detection(found: Pools, repeats: int) -> Figures:
    """The share of windows flagged with each change; every method alarms falsely at the same rate."""
    usual = in_processes(found, partial(found_by, "films", 0.0), repeats)
    limit = float(np.quantile([one["Evidently"] for one in usual], 1 - ALPHA))
    figures: Figures = {"windows": repeats, "rows": WINDOW, "none": shares(usual, limit)}
    for title, (change, part) in CHANGES.items():
        figures[title] = shares(in_processes(found, partial(found_by, change, part), repeats), limit)
        console.print(
            title, {name: figures[title][name] for name in ("family", "best", "alone", "Evidently")}
        )
    return figures


def found_by(change: str, part: float, seed: int) -> dict[str, float]:
    """The family's p, the p of each test alone, and Evidently's largest score over its threshold."""
    reference, current = drawn(seed, REFERENCE, WINDOW, change, part)
    baseline = Baseline(reference, LABELS)
    null, counts = baseline.null(current, WINDOW), baseline.bins.count(current)
    family = min(one.p for one in compare(baseline, counts, null, ALPHA))
    alone = {
        test.name: float(np.exp(-surprise(null.scores[test], np.asarray(apart.score))))
        for test, apart in moved(baseline, counts).items()
    }
    return {"family": family, **alone, "Evidently": evidently(reference, current)}


def evidently(reference: Columns, current: Columns) -> float:
    """The largest drift score of its default tests, by the threshold of each."""
    from evidently import DataDefinition, Dataset, Report  # seconds to import
    from evidently.presets import DataDriftPreset

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        definition = DataDefinition(numerical_columns=list(current.numbers), categorical_columns=["label"])
        sides = [Dataset.from_pandas(frame(one), definition) for one in (current, reference)]
        told = Report([DataDriftPreset()]).run(*sides).dict()
    scores: list[float] = [
        float(metric["value"]) / metric["config"]["threshold"]
        for metric in told["metrics"]
        if "ValueDrift" in metric["metric_name"]
    ]
    return max(scores)


def frame(columns: Columns) -> pd.DataFrame:
    """As Evidently reads them."""
    return pd.DataFrame({**columns.numbers, "label": columns.labels.astype(str)})


def shares(windows: Sequence[dict[str, float]], limit: float) -> Figures:
    """Of the windows, those that each method flags."""
    by_p = {
        name: sum(one[name] <= ALPHA for one in windows) / len(windows)
        for name in windows[0]
        if name != "Evidently"
    }
    evidently = sum(one["Evidently"] > limit for one in windows) / len(windows)
    family = by_p.pop("family")
    best = max(by_p, key=lambda name: by_p[name])
    return {
        "family": family,
        "best": best,
        "alone": by_p[best],
        "Evidently": evidently,
        "tests": by_p,
    }


def band(n: int) -> list[float]:
    """Where 99 % of the shares of n windows lie at the stated rate."""
    return [float(binom.ppf(q, n, ALPHA)) / n for q in (0.005, 0.995)]


PARTS: dict[str, Callable[[Pools, int], Figures]] = {
    part.__name__: part for part in (false_alarms, wobble, detection)
}


def main() -> None:
    """Measure the parts asked for and write each at once."""
    parser = argparse.ArgumentParser(prog="python -m bench.alarms", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all when absent")
    parser.add_argument("--model", default="steam-reviews-onnx-int8:latest", help="default: %(default)s")
    parser.add_argument("--windows", type=int, default=1_000, help="of each figure; default: %(default)s")
    given = parser.parse_args()
    parts = given.parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"No part {', '.join(sorted(unknown))}. There are {', '.join(PARTS)}.")
    found = pools(given.folder, given.model)
    result = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    for part in parts:
        result |= {"machine": machine(), "model": given.model, part: PARTS[part](found, given.windows)}
        write_atomically(RESULT, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
