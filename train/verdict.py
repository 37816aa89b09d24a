"""The monitor's last verdict on a task, from the `result.json` of its newest window."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from bentos.task import Task
from train.sources import DataError

SCHEMA_VERSION = 1  # of the result.json that is read here
CALLS_FOR_TRAINING = ("DRIFT", "PERFORMANCE")


class Verdict(NamedTuple):
    """What the monitor said of one window."""

    verdict: str
    model_tag: str  # of the version judged
    window: str  # the folder's name
    file: str


def last_verdict(reports: Path, task: Task) -> Verdict | None:
    """The verdict on the last window, None where none was judged; raises DataError for a damaged file."""
    paths = sorted((reports / task.name).glob("*/result.json"))
    if not paths:
        return None
    try:
        return _verdict(json.loads(paths[-1].read_text("utf-8")), paths[-1], task)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{paths[-1]} cannot be used: {error!r}. Judge the window again: python -m monitoring {task.name}"
        ) from error


def reason_to_wait(last: Verdict | None, served: str) -> str | None:
    """Why nothing has to follow the tag that is served, None where the last verdict calls for training.

    Raises DataError where there is no verdict.
    """
    if last is None:
        raise DataError(
            "There is no verdict yet. Judge first (python -m monitoring), or leave --if-drift out."
        )
    told = f"The last verdict is {last.verdict} (window {last.window})"
    if last.verdict not in CALLS_FOR_TRAINING:
        return f"{told}, and training follows {' or '.join(CALLS_FOR_TRAINING)}: nothing to do."
    if last.model_tag.partition(":")[2] != served.partition(":")[2]:
        return (
            f"{told}, but it is on {last.model_tag}; {served}, served now, is not judged yet: nothing to do."
        )
    return None


def _verdict(result: dict[str, Any], path: Path, task: Task) -> Verdict:
    if result["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"schema_version is {result['schema_version']}, expected {SCHEMA_VERSION}")
    if result["task"] != task.name:
        raise ValueError(f"it is of task {result['task']}, expected {task.name}")
    return Verdict(str(result["verdict"]), str(result["model_tag"]), path.parent.name, str(path))
