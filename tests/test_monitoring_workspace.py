"""The Evidently workspace: one project a task, one snapshot a window, not too many."""

from dataclasses import replace
from pathlib import Path

import pytest
from evidently.ui.workspace import Workspace

from monitoring.drift import alarm_rate
from monitoring.judge import Judgement
from monitoring.workspace import keep
from tests.monitoring_records import HOUR, window
from tests.monitoring_rows import DAY, judged, make_reference, make_rows


@pytest.fixture(scope="module")
def judgement() -> Judgement:
    rate = alarm_rate(1, DAY.length, scheduled=True)
    return judged(make_rows(100, seed=1), make_reference(200), rate)


def names(folder: Path) -> list[str | None]:
    """The windows in the project of the task, by time."""
    workspace = Workspace.create(str(folder))
    (project,) = workspace.search_project("sample-reviews")
    runs = [workspace.get_run(project.id, run) for run in workspace.list_runs(project.id)]
    return [run.name for run in sorted(filter(None, runs), key=lambda run: run.timestamp)]


def test_the_newest_windows_are_kept_each_once(judgement: Judgement, tmp_path: Path) -> None:
    hours = [window(i, HOUR) for i in range(4)]
    for one in (hours[1], hours[0], hours[1], hours[2], hours[3]):
        keep(tmp_path, replace(judgement, window=one), kept=3)
    assert names(tmp_path) == [one.name for one in hours[1:]]
