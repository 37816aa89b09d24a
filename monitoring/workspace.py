"""An Evidently workspace, for `evidently ui`: a project for each task, with its newest snapshots."""

import warnings
from pathlib import Path

from monitoring.judge import Judgement
from monitoring.report import snapshot

KEPT = 100  # of a project: `evidently ui` loads every one, half a megabyte each


def keep(folder: Path, judgement: Judgement, kept: int = KEPT) -> None:
    """Put in the snapshot of a window, in the place of an earlier one of it; beyond `kept` the oldest go."""
    from evidently.ui.workspace import Workspace  # seconds to import

    workspace = Workspace.create(str(folder))
    found = workspace.search_project(judgement.task)
    project = (found[0] if found else workspace.create_project(judgement.task)).id
    runs = [(run, workspace.get_run(project, run)) for run in workspace.list_runs(project)]
    others = sorted((one.timestamp, run) for run, one in runs if one.name != judgement.window.name)
    stay = {run for _, run in others[max(0, len(others) - kept + 1) :]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Evidently's own: the user cannot mend them
        workspace.add_run(project, snapshot(judgement))
    for run, _ in runs:
        if run not in stay:
            workspace.delete_run(project, run)
