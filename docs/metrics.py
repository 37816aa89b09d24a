"""The metrics of the service and of the monitor, as they are declared and exported."""

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from docs.tables import code, table
from monitoring.exposition import Exposition
from monitoring.history import Record
from monitoring.windows import Window

SOURCE = Path(__file__).parents[1] / "bentos/metrics.py"
KINDS = ("Counter", "Gauge", "Histogram")
HEADER = ("metric", "meaning", "kind", "labels")

INTRODUCTION = """---
hide: [toc]
---

# Metrics

## Of the service

`GET /metrics`, in Prometheus's text form; a fixed number of series whatever is asked for. A counter's series
end in `_total`, a histogram's in `_bucket`, `_sum` and `_count`.

"""
MONITOR = """
## Of the monitor

`--metrics FILE` writes them for node_exporter's textfile collector, `--serve PORT` answers `/metrics` while
the loop runs. Each has the label `task`; those of the newest window come after those of the last run.

"""


def page() -> str:
    """reference/metrics.md."""
    return "".join([INTRODUCTION, table(HEADER, of_service()), MONITOR, table(HEADER, of_monitor())])


def of_service() -> list[tuple[str, str, str, str]]:
    """Every metric that bentos/metrics.py makes."""
    calls = (node.value for node in ast.parse(SOURCE.read_text("utf-8")).body if isinstance(node, ast.Assign))
    return [
        described(call)
        for call in calls
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KINDS
    ]


def described(call: ast.Call) -> tuple[str, str, str, str]:
    """One metric, from the call that makes it."""
    name, meaning, *labels = (ast.literal_eval(argument) for argument in call.args)
    listed = ", ".join(map(code, labels[0])) if labels else ""
    return code(name), meaning, ast.unparse(call.func).lower(), listed


def of_monitor() -> list[tuple[str, str, str, str]]:
    """Every metric that a run exports."""
    exposition, now = Exposition(), datetime.now(UTC)
    window = Window(now - timedelta(hours=1), now)
    record = Record(window, "task-onnx-int8:version", now, 1, result())
    exposition.show(record, windows=1, incident_open=False, undelivered=0, seconds=1.0, at=now)
    return [
        (code(one.name), one.documentation, one.type, ", ".join(map(code, one.samples[0].labels)))
        for one in exposition.collect()
    ]


def result() -> dict[str, Any]:
    """A judgement with one of each thing that there is a metric of."""
    return {
        "task": "task",
        "verdict": "OK",
        "rows": {"judged": 1},
        "drift": [{"column": "label", "distance": 0.0, "p": 1.0}],
        "alarm_rate": {"drift_alpha": 0.05},
        "performance": {"by_source": {"audit": dict.fromkeys(("accuracy", "rmse", "low", "high"), 0.0)}},
    }
