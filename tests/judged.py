"""Windows as the monitor leaves them for the page: a `result.json` each."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.monitoring_records import TAG, labelled, make_result

NAME = "%Y%m%dT%H%M%SZ"


def judged_windows(
    reports: Path, verdicts: Sequence[str], last: datetime | None = None, **changes: Any
) -> list[Path]:
    """The folders of windows of an hour each, one after the other; the last one ends then, or an hour ago."""
    end = last or datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    folders = []
    for i, verdict in enumerate(verdicts):
        start = end - timedelta(hours=len(verdicts) - i)
        folder = reports / "sample-reviews" / f"{start:{NAME}}_{start + timedelta(hours=1):{NAME}}"
        folder.mkdir(parents=True)
        write_window(folder, verdict, start, **changes)
        folders.append(folder)
    (reports / "sample-reviews").mkdir(parents=True, exist_ok=True)
    return folders


def write_window(folder: Path, verdict: str, start: datetime | None = None, **changes: Any) -> None:
    """What is found of a window; flagged where that is its verdict."""
    start = start or datetime.now(UTC)
    flagged = verdict in ("WATCH", "DRIFT")
    result = make_result(
        verdict, flagged=flagged, performance=labelled(0.75 if verdict == "PERFORMANCE" else 0.88)
    )
    for one in result["drift"]:
        one |= {"measure": "share above 57", "reference": 0.22, "current": 0.61}
    result |= {
        "model_tag": TAG,
        "window": {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()},
        "traffic": {
            "labels": {"negative": 0.4, "positive": 0.6},
            "latency_ms": {"p50": 1.5, "p90": 2.0, "p99": 3.1},
        },
        **changes,
    }
    (folder / "result.json").write_text(json.dumps(result))
