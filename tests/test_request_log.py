"""What a log row tells of an input and of a prediction."""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bentos.preprocess import Encoded, TextInput
from bentos.request_log import TEXT_NUMBERS, describe, hash_key, make_row, open_log, text_row
from bentos.task import Monitoring

KEY = b"k" * 32


def encoded(ids: tuple[int, ...] = (101, 7, 8, 9, 102), n_words: int = 2, n_unknown: int = 0) -> Encoded:
    arrays = {"input_ids": np.array(ids, np.int64)}
    return Encoded(arrays, len(ids), min(2, len(ids)), n_words, n_unknown, truncated=False)


def row(text: TextInput = "Good", **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "ts": datetime(2026, 11, 21, 9, 14, 0, 123456, tzinfo=UTC),
        "request_id": "r1",
        "index": 0,
        "model_tag": "imdb-reviews-onnx-int8:1",
        "labels": ("negative", "positive"),
        "probs": np.array([0.25, 0.75]),
        "latency_ms": 3.5,
        "text": text,
        "encoded": encoded(),
        "log_inputs": "hash",
        "key": KEY,
    }
    return make_row(**{**values, **changes})


def test_describe_counts_characters_and_tokens() -> None:
    numbers = describe("GOOD game!", encoded(ids=(101, 7, 8, 9, 10, 102), n_words=3, n_unknown=1))
    assert numbers == {
        "n_chars": 10,
        "n_tokens": 6,
        "subword_rate": 1 / 4,
        "unk_rate": 1 / 4,
        "upper_share": 4 / 8,
        "non_letter_share": 1 / 10,
    }
    assert tuple(numbers) == TEXT_NUMBERS


@pytest.mark.parametrize("text", ["", "   ", "\n", "!?", "\x00", "\ud800", "漢字", "😀" * 3, ("", "")])
@pytest.mark.parametrize("ids", [(), (101,), (101, 102)])
def test_describe_is_total_and_its_shares_are_shares(text: TextInput, ids: tuple[int, ...]) -> None:
    numbers = describe(text, encoded(ids, n_words=0))
    assert all(math.isfinite(value) for value in numbers.values())
    assert all(0 <= numbers[name] <= 1 for name in TEXT_NUMBERS[2:])


def test_letters_of_all_scripts_are_letters() -> None:
    assert describe("ÄÖü漢", encoded())["non_letter_share"] == 0
    assert describe("ÄÖüd", encoded())["upper_share"] == 1 / 2


def test_describe_takes_both_texts_of_a_pair() -> None:
    assert describe(("AB", "cd!"), encoded())["n_chars"] == 5


def test_a_row_has_the_agreed_form() -> None:
    made = row()
    assert made.pop("text_hash") != made.pop("buckets")
    assert made == {
        "ts": "2026-11-21T09:14:00.123456Z",
        "request_id": "r1",
        "index": 0,
        "model_tag": "imdb-reviews-onnx-int8:1",
        "label": "positive",
        "score": 0.75,
        "probs": [0.25, 0.75],
        "entropy": pytest.approx(-0.25 * math.log(0.25) - 0.75 * math.log(0.75)),
        "latency_ms": 3.5,
        "status": 200,
        "truncated": False,
        **describe("Good", encoded()),
    }


def test_a_row_of_float32_scores_is_json() -> None:
    assert json.loads(json.dumps(row(probs=np.array([0.5, 0.5], np.float32))))["probs"] == [0.5, 0.5]


def test_numbers_are_as_long_as_they_are_true() -> None:
    third = 1 / 3
    made = row(
        "Abc", probs=[third / 1e6, 1 - third], latency_ms=1.23456, encoded=encoded(n_words=1, n_unknown=1)
    )
    assert made["probs"] == [3.333333e-07, 0.6666667]
    assert [made[name] for name in ("score", "unk_rate", "upper_share")] == [0.6666667, 0.3333333, 0.3333333]
    assert made["entropy"] == float(f"{made['entropy']:.7g}")
    assert made["latency_ms"] == 1.235
    assert row(latency_ms=None)["latency_ms"] is None


def test_probabilities_of_many_labels_still_add_up() -> None:
    scores = np.random.default_rng(0).dirichlet(np.ones(1000))
    assert sum(row(labels=range(1000), probs=scores)["probs"]) == pytest.approx(1, abs=1e-6)


def test_a_certain_prediction_has_no_entropy() -> None:
    assert row(probs=[0.0, 1.0])["entropy"] == 0


def test_times_are_utc_and_a_reference_row_may_have_none() -> None:
    berlin = datetime(2026, 11, 21, 10, 14, tzinfo=timezone(timedelta(hours=1)))
    assert row(ts=berlin)["ts"] == "2026-11-21T09:14:00.000000Z"
    assert row(ts=None)["ts"] is None
    with pytest.raises(ValueError, match="no time zone"):
        row(ts=datetime(2026, 11, 21))


@pytest.mark.parametrize("log_inputs", ["none", "hash"])
def test_tags_are_kept_whatever_else_is(log_inputs: str) -> None:
    assert row(log_inputs=log_inputs, tags={"app": "730"})["tags"] == {"app": "730"}
    assert "tags" not in row(log_inputs=log_inputs, tags={})


@pytest.mark.parametrize("log_inputs", ["none", "hash", "redacted", "full"])
def test_a_row_has_traces_of_the_input_if_wanted_and_never_the_input(log_inputs: str) -> None:
    made = row(("secret", "words"), log_inputs=log_inputs)
    traces = set() if log_inputs == "none" else {"text_hash", "buckets"}
    assert made.keys() - row(log_inputs="none").keys() == traces
    assert "secret" not in str(made)


@pytest.mark.parametrize(
    ("text", "redacted", "texts"),
    [
        ("from a@b.com", False, {"text": "from a@b.com"}),
        ("from a@b.com", True, {"text": "from [email]"}),
        (("from a@b.com", "to +49 170 1234567"), True, {"text": "from [email]", "text_pair": "to [phone]"}),
    ],
)
def test_texts_have_rows_of_their_own(text: TextInput, redacted: bool, texts: dict[str, str]) -> None:
    made = text_row(datetime(2026, 11, 21, tzinfo=UTC), "r1", 3, text, redacted)
    assert made == {"ts": "2026-11-21T00:00:00.000000Z", "request_id": "r1", "index": 3, **texts}


def test_a_log_of_texts_is_kept_for_its_own_time(tmp_path: Path) -> None:
    monitoring = Monitoring(keep_rows_days=20, keep_texts_days=10)
    for kind in ("requests", "texts"):
        old = f"{kind}-{datetime.now(UTC) - timedelta(days=15):%Y%m%dT%H}-host-1-00ff.jsonl.gz"
        (tmp_path / old).touch()
        open_log(tmp_path, kind, monitoring).close()
    assert [path.name.split("-")[0] for path in tmp_path.iterdir()] == ["requests"]


def test_the_bytes_kept_are_those_of_the_task(tmp_path: Path) -> None:
    for hour in range(4):
        (tmp_path / f"feedback-2026112{hour}T00-host-1-00ff.jsonl.gz").write_bytes(b"x" * 100)
    open_log(tmp_path, "feedback", Monitoring(keep_rows_days=36_500, max_log_bytes=250)).close()
    assert len(list(tmp_path.iterdir())) == 2


def test_hash_tells_texts_apart_and_needs_the_key() -> None:
    assert row("a")["text_hash"] == row("a")["text_hash"]
    hashes = [row(text)["text_hash"] for text in ("a", "b", "", "\ud800", ("a", "b"), ("ab", ""))]
    assert len({*hashes, row("a", key=b"other")["text_hash"]}) == 7
    assert all(len(bytes.fromhex(digest)) == 16 for digest in hashes)


def test_buckets_are_pairs_of_digits_sorted_distinct_and_spread() -> None:
    buckets = row(encoded=encoded(ids=tuple(range(30522))))["buckets"]
    assert [int(buckets[i : i + 2], 32) for i in range(0, len(buckets), 2)] == list(range(1024))
    assert row(encoded=encoded(ids=()))["buckets"] == ""
    assert row(encoded=encoded(ids=(5, 5, 5)))["buckets"] == row(encoded=encoded(ids=(5,)))["buckets"]


def test_the_key_file_is_made_once_and_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOUCHSTONE_HASH_KEY", raising=False)
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(hash_key, [tmp_path / "logs"] * 16))
    assert len(keys) == 1
    assert len(keys.pop()) == 32
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["hash.key"]
    assert (tmp_path / "logs" / "hash.key").stat().st_mode & 0o777 == 0o600


def test_the_key_of_the_environment_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_HASH_KEY", "secret " * 100)
    assert len(hash_key(tmp_path)) == 32
    assert list(tmp_path.iterdir()) == []
