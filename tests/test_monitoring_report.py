"""The HTML page: our verdict, Evidently's pictures, and no crash on odd columns."""

import pytest

from bentos.request_log import Row
from monitoring.drift import alarm_rate
from monitoring.report import render
from tests.monitoring_rows import DAY, judged, make_reference, make_rows


def rendered(rows: list[Row]) -> tuple[str, str | None]:
    return render(judged(rows, make_reference(500), alarm_rate(1, DAY.length, scheduled=False)))


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
