"""The log of a window becomes a tally, the fast way and the slow one alike."""

import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitoring import reading
from monitoring.judge import judge
from monitoring.performance import labelled_items
from monitoring.reading import tally_files, tally_lines, tally_odd, tally_window
from monitoring.tally import SAMPLE, empty_tally
from monitoring.windows import Window
from tests.monitoring_rows import (
    DAY,
    START,
    TAG,
    lines,
    make_labels,
    make_reference,
    make_rows,
    same,
    with_buckets,
    write_log,
)

REFERENCE = make_reference()
SCOPE = REFERENCE.scope(DAY, ())
NOW = datetime(2026, 11, 18, 10, 30, tzinfo=UTC)


def test_both_ways_give_the_same_tally() -> None:
    rows = with_buckets(make_rows(500, seed=1, latency_ms=3.25, truncated=True))
    log, feedback = lines(rows), make_labels(rows[:9], 0.5)
    scope = REFERENCE.scope(DAY, labelled_items(feedback))
    fast, slow = tally_lines(log, scope), tally_odd(log, scope)
    assert same(fast, slow)
    assert (fast.n_rows, fast.truncated, len(fast.answered)) == (500, 500, 9)


@pytest.mark.parametrize("odd", [b"", b"no row\n"])
def test_blanks_in_the_place_of_a_row_are_nothing(odd: bytes) -> None:
    rows = lines(with_buckets(make_rows(20, seed=1))).splitlines(keepends=True)
    blank = b" " * 700 + b"\n"
    erased = blank + b"".join(rows[:9]) + blank * 2 + b"".join(rows[9:]) + odd + blank
    assert same(tally_lines(erased, SCOPE), tally_lines(b"".join(rows) + odd, SCOPE))
    assert same(tally_lines(blank, SCOPE), empty_tally(TAG, SCOPE.bins))


@pytest.mark.parametrize(
    "odd",
    [
        {"n_chars": None},
        {"n_chars": "57"},
        {"probs": [1.0]},
        {"probs": [0.5, 0.6]},
        {"label": None},
        {"index": 0.5},
        {"buckets": "0"},
        {"buckets": "zz"},
        {"buckets": [3]},
        {"ts": 7},
        {"ts": "2026-11-16 09:00"},
        {"score": 1e300},
        {"model_tag": None},
        {"request_id": ["a"]},
        {"tags": 3},
    ],
)
def test_an_odd_row_changes_nothing_of_the_others(
    odd: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "ODD_CHUNK", 500)
    rows = with_buckets(make_rows(40, seed=1))
    rows[20] = rows[20] | odd
    found = tally_lines(lines(rows), SCOPE)
    assert same(found, tally_odd(lines(rows), SCOPE))
    assert found.logged.total() + found.unreadable_lines == 40


def test_tags_are_kept_as_they_were_given() -> None:
    rows = make_rows(3, seed=1)
    rows = [rows[0] | {"tags": {"app": "730"}}, rows[1] | {"tags": {"genre": "rpg"}}, rows[2]]
    fast, slow = tally_lines(lines(rows), SCOPE), tally_odd(lines(rows), SCOPE)
    assert same(fast, slow)
    given = dict(zip(fast.sample.request_ids.to_pylist(), fast.sample.tags, strict=True))
    assert given == {"r0": {"app": "730"}, "r1": {"genre": "rpg"}, "r2": None}


def test_what_is_no_row_is_counted() -> None:
    log = lines(make_rows(3, seed=1)) + b'{"ts": "2026\n{"no": "ts"}\n[]\n\n   \n\xff\n' + b"[" * 10_000
    found = tally_lines(log, SCOPE)
    assert (found.n_rows, found.unreadable_lines) == (3, 5)


def test_parts_in_any_order_add_up_to_the_whole() -> None:
    rows = with_buckets(make_rows(3 * SAMPLE // 2, seed=1))
    whole = tally_lines(lines(rows), SCOPE)
    parts = [tally_lines(lines(rows[i::3]), SCOPE) for i in (2, 0, 1)]
    added = parts[0] + (parts[1] + parts[2])
    assert same(added, whole)
    assert len(added.sample.keys) == SAMPLE
    assert same(whole + empty_tally(TAG, SCOPE.bins), whole)


def test_a_sample_is_like_the_whole() -> None:
    rows = make_rows(2 * SAMPLE, seed=1)
    sampled = tally_lines(lines(rows), SCOPE).sample.columns.numbers["n_chars"]
    assert np.mean(sampled) == pytest.approx(np.mean([row["n_chars"] for row in rows]), rel=0.03)


def test_a_window_holds_its_own_rows(tmp_path: Path) -> None:
    write_log(tmp_path, "requests", make_rows(24, seed=1) + make_rows(2, seed=2, model_tag="other:2"))
    window = Window(START + timedelta(hours=11), START + timedelta(hours=13))
    found = tally_window(tmp_path, REFERENCE.scope(window, {("r11", 0), ("r20", 0)}))
    assert (found.n_rows, list(found.answered)) == (2, [("r11", 0)])
    assert found.logged == {TAG: 2, "other:2": 1}


def test_rows_from_the_future_are_counted_with_the_newest_window(tmp_path: Path) -> None:
    row = make_rows(1, seed=1)[0]
    later = row | {"ts": "2027-01-01T00:00:00.000000Z"}
    (tmp_path / "requests-20261116T00-host-1-abc.jsonl").write_bytes(lines([row, later]))
    newest, other = (tally_window(tmp_path, replace(SCOPE, now=now)) for now in (NOW, None))
    assert (newest.n_rows, newest.future_rows) == (1, 1)
    assert (other.n_rows, other.future_rows) == (1, 0)


def test_rows_of_a_clock_that_was_set_back_are_counted(tmp_path: Path) -> None:
    first, last = make_rows(24, seed=1)[::23]  # at 00:00 and 23:00
    (tmp_path / "requests-20261116T22-host-1-abc.jsonl").write_bytes(lines([first, last, last]))
    assert tally_window(tmp_path, SCOPE).early_rows == 1


def test_closed_files_are_read_and_broken_ones_as_far_as_they_go(tmp_path: Path) -> None:
    rows = make_rows(2000, seed=1)
    whole, broken = (tmp_path / f"requests-20261116T00-host-{i}-abc.jsonl.gz" for i in (1, 2))
    whole.write_bytes(gzip.compress(lines(rows[:100])))
    packed = gzip.compress(lines(rows[100:]))
    broken.write_bytes(packed[: len(packed) // 2])
    found = tally_window(tmp_path, SCOPE, ["feedback-1.gz"])
    assert found.damaged_files == ("feedback-1.gz", broken.name)
    assert 600 < found.n_rows < 1500
    assert found.unreadable_lines <= 1


def test_a_closed_file_that_holds_nonsense_is_named(tmp_path: Path) -> None:
    path = tmp_path / "requests-20261116T00-host-1-abc.jsonl.gz"
    packed = gzip.compress(lines(make_rows(100, seed=1)))
    path.write_bytes(packed[:100] + 200 * b"\xff" + packed[300:])
    assert tally_window(tmp_path, SCOPE).damaged_files == (path.name,)


@pytest.mark.parametrize("times", [SAMPLE, 7])  # with 7 of them most rows have equal keys
def test_large_files_are_read_in_pieces(times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, rows = tmp_path / "requests-20261116T00-host-1-abc.jsonl", make_rows(SAMPLE + 2000, seed=1)
    rows = [row | {"ts": rows[i % times]["ts"]} for i, row in enumerate(rows)]
    path.write_bytes(lines(rows))
    monkeypatch.setattr(reading, "CHUNK", 500_000)
    found = tally_files([path], SCOPE)
    assert same(found, tally_lines(lines(rows), SCOPE))
    assert len(found.sample.keys) == SAMPLE


def test_a_request_id_of_half_a_character_is_no_error() -> None:
    row = make_rows(1, seed=1)[0] | {"request_id": "\ud800"}
    assert tally_lines(lines([row]), SCOPE).sample.request_ids.to_pylist() == ["?"]


def test_summaries_are_judged_as_rows_are() -> None:
    """To the last digit: a judgement needs nothing but the tally."""
    from monitoring.drift import alarm_rate

    rows = make_rows(900, seed=1, mean_length=4.2)
    rate = alarm_rate(1, DAY.length, scheduled=False)
    whole = tally_lines(lines(rows), SCOPE)
    added = tally_lines(lines(rows[500:]), SCOPE) + tally_lines(lines(rows[:500]), SCOPE)
    one, other = (judge(DAY, tally, [], REFERENCE, rate) for tally in (whole, added))
    assert one.statistics == other.statistics
    assert one.effects == other.effects


def test_latencies_have_quantiles() -> None:
    rows = [row | {"latency_ms": float(i + 1)} for i, row in enumerate(make_rows(100, seed=1))]
    found = tally_lines(lines(rows), SCOPE).latency_ms()
    assert found == {
        "p50": pytest.approx(50, rel=0.13),
        "p90": pytest.approx(90, rel=0.13),
        "p99": pytest.approx(99, rel=0.13),
    }
    assert tally_lines(lines(make_rows(3, seed=1)), SCOPE).latency_ms() is None
