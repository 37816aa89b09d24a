"""The HTML page: our verdict, Evidently's pictures, and no crash on odd columns."""

import pytest

from bentos.request_log import Row
from monitoring.drift import alarm_rate
from monitoring.examples import Example
from monitoring.explain import Explanation
from monitoring.report import render
from monitoring.slices import Slice
from monitoring.words import Move, Words
from tests.monitoring_rows import DAY, judged, make_reference, make_rows

EVIL = "<script>alert(1)</script>"
EXPLANATION = Explanation(
    distributions=[],
    words=Words(
        [Move(1, [EVIL, "film"], "tokenizer", 0.01, 0.2, 9.0), Move(2, ["movie"], "texts", 0.01, 0.2, 8.0)],
        [],
    ),
    slices=[Slice("tag app", f"app={EVIL}", 60, 0.2, None, 0.9, {"n_chars": 0.5}, {"n_chars": 0.1})],
    examples=[Example(EVIL, 0, None), Example("r1", 3, EVIL), Example("r2", 0, ("one", "a" * 5_000))],
)


def rendered(rows: list[Row], explanation: Explanation | None = None) -> tuple[str, str | None]:
    rate = alarm_rate(1, DAY.length, scheduled=False)
    return render(judged(rows, make_reference(500), rate), explanation)


def test_the_page_repeats_our_verdict_over_the_pictures() -> None:
    page, error = rendered(make_rows(300, seed=1, mean_length=6))
    assert error is None
    assert "DRIFT</h1>" in page
    assert "Drift in column 'length in characters'" in page
    assert "Data drift detected. Drift detection method: Jensen-Shannon" in page
    assert "Data drift not detected. Drift detection method: Jensen-Shannon" in page


@pytest.mark.parametrize(
    "changes",
    [
        {"n_chars": 0},
        {"label": "positive", "probs": [0.0, 1.0]},
        {"n_chars": float("nan"), "n_tokens": float("inf"), "unk_rate": "x"},
    ],
)
def test_odd_columns_are_drawn_or_left_out(changes: dict[str, object]) -> None:
    page, error = rendered(make_rows(60, seed=1, **changes))
    assert error is None
    assert "Drift in column" in page


def test_the_verdict_stands_when_evidently_fails() -> None:
    page, error = rendered(make_rows(60, seed=1, n_chars=1e99))
    assert error == "ValueError: Too many bins for data range. Cannot create 10 finite-sized bins."
    assert "DRIFT</h1>" in page
    assert "Evidently could not draw the pictures: ValueError" in page


@pytest.mark.parametrize("size", [0, 5])
def test_too_few_rows_give_a_page_without_pictures(size: int) -> None:
    page, error = rendered(make_rows(size, seed=1))
    assert error is None
    assert "INSUFFICIENT</h1>" in page
    assert "Drift in column" not in page


def test_texts_of_the_log_are_escaped() -> None:
    page, _ = rendered(make_rows(60, seed=1, label="<script>alert(1)</script>"))
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_explanation_is_shown_and_escaped() -> None:
    page, _ = rendered(make_rows(60, seed=1), EXPLANATION)
    assert EVIL not in page
    assert "perhaps</span> <b>&lt;script&gt;" in page
    assert "<b>movie</b></td><td class='n'>1 %</td><td class='n'>20 %</td>" in page
    assert "<b>app=&lt;script&gt;" in page
    assert "<td class='n'>0.50</td><td class='n'>0.10</td><td>length in characters</td>" in page


def test_stored_texts_are_shown_escaped_and_cut() -> None:
    page, _ = rendered(make_rows(60, seed=1), EXPLANATION)
    assert "<blockquote>&lt;script&gt;alert(1)&lt;/script&gt;</blockquote>" in page
    assert "<blockquote>one\n\naaa" in page
    assert "a" * 600 not in page


def test_without_an_explanation_there_are_no_sections() -> None:
    page, _ = rendered(make_rows(60, seed=1))
    assert "Where it happened" not in page
    assert "Typical rows" not in page
