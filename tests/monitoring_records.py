"""Generated results of windows, in the form of result.json, and records of them as the history has them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from monitoring.history import Record
from monitoring.windows import Window

START = datetime(2026, 11, 16, tzinfo=UTC)  # a Monday
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TAG = "sample-reviews-onnx-int8:1"


def window(i: float, length: timedelta = DAY) -> Window:
    """The i-th window after START."""
    return Window(START + i * length, START + (i + 1) * length)


def make_result(
    verdict: str = "OK", *, flagged: bool = False, rows: int = 300, **changes: Any
) -> dict[str, Any]:
    """A result without labels in which `n_chars` has moved furthest."""
    drift = [
        {"column": column, "distance": distance, "p": 0.2, "drifted": flagged and column == "n_chars"}
        for column, distance in (("n_chars", 0.25 if flagged else 0.03), ("label", 0.01))
    ]
    return {
        "task": "sample-reviews",
        "verdict": verdict,
        "flagged": flagged,
        "summary": f"In words: {verdict}.",
        "window": {"start": START.isoformat(), "end": (START + DAY).isoformat()},
        "rows": {"logged": rows, "judged": rows},
        "drift": drift,
        "effects": {"n_chars, K-S": drift[0]["distance"], "label, chi-square": 0.01},
        "alarm_rate": {"drift_alpha": 0.001, "smallest_distance": 0.08},
        "performance": {"decided_by": None, "by_source": {}},
        "report": None,
        "late_rows": 0,
        **changes,
    }


def make_record(i: int, verdict: str = "OK", **changes: Any) -> Record:
    """The i-th hour, judged a minute after its end."""
    one = window(i, HOUR)
    result = make_result(verdict, **changes)
    return Record(one, TAG, one.end + timedelta(minutes=1), result["rows"]["logged"], result)


def labelled(accuracy: float, source: str = "audit") -> dict[str, Any]:
    """What a result says of the accuracy by 100 labels of a source."""
    found = {"labels": 100, "accuracy": accuracy, "low": accuracy - 0.08, "high": accuracy + 0.06}
    return {"decided_by": source, "by_source": {source: found | {"reference_accuracy": 0.9}}}
