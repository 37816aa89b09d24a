"""`result.json`: a judgement for machines. The same rows give the same bytes."""

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bentos.model_store import write_atomically
from monitoring.explain import Explanation
from monitoring.judge import EXIT_CODES, Judgement
from monitoring.summary import rule_in_words, summary
from monitoring.tally import Tally

SCHEMA_VERSION = 1
LIBRARIES = ("evidently", "numpy", "scipy")


def to_json(
    judgement: Judgement, explanation: Explanation | None, report: str, report_error: str | None
) -> dict[str, Any]:
    """Everything found, in plain types, without any text; `report` is the name of the HTML file."""
    return {
        "schema_version": SCHEMA_VERSION,
        "task": judgement.task,
        "model_tag": judgement.tag,
        "window": {name: getattr(judgement.window, name).isoformat() for name in ("start", "end")},
        "verdict": judgement.verdict,
        "exit_code": EXIT_CODES[judgement.verdict],
        "findings": judgement.findings,
        "summary": summary(judgement, explanation),
        "rows": _rows(judgement),
        "traffic": _traffic(judgement.tally),
        "contract": [asdict(fault) for fault in judgement.faults],
        "alarm_rate": _alarm_rate(judgement),
        "flagged": judgement.flagged,
        "drift": [asdict(one) for one in judgement.statistics],
        "effects": judgement.effects,
        "explanation": explanation and explanation.to_json(),
        "performance": {
            "decided_by": judgement.decided_by,
            "if_only_the_class_mix_changed": asdict(judgement.estimate) if judgement.estimate else None,
            "by_source": {source: asdict(one) for source, one in judgement.accuracies.items()},
        },
        "report": report,
        "report_error": report_error,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
    }


def write(result: dict[str, Any], folder: Path) -> Path:
    """Put `result.json` into the folder; a reader sees the old one or the new one, whole."""
    path = folder / "result.json"
    write_atomically(path, json.dumps(result, indent=1, allow_nan=False) + "\n", mode=0o600)
    return path


def _rows(judgement: Judgement) -> dict[str, Any]:
    tally = judgement.tally
    return {
        "logged": tally.logged.total(),
        "judged": tally.n_rows,
        "needed": judgement.rows_needed,
        "reference": len(judgement.reference),
        "of_other_model_tags": judgement.other_tags,
        "in_the_future": tally.future_rows,
        "before_their_file": tally.early_rows,
        "unreadable_lines": tally.unreadable_lines,
        "damaged_files": list(tally.damaged_files),
    }


def _traffic(tally: Tally) -> dict[str, Any]:
    n_rows = max(tally.n_rows, 1)
    return {
        "labels": {label: count / n_rows for label, count in sorted(tally.labels.items())},
        "truncated_share": tally.truncated / n_rows,
        "latency_ms": tally.latency_ms(),
    }


def _alarm_rate(judgement: Judgement) -> dict[str, Any]:
    return {
        **asdict(judgement.rate),
        "drift_alpha": judgement.rule.alpha,
        "in_a_row": judgement.rule.in_a_row,
        "usual_windows": len(judgement.rule.usual),
        "drift_tests": len(judgement.statistics),
        "smallest_distance": judgement.smallest_distance,
        "explanation": rule_in_words(judgement),
    }
