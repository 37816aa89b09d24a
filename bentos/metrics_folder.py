"""A folder for the metrics of one service alone.

A starting `bentoml serve` empties `$BENTOML_HOME/prometheus_multiproc_dir`, under the feet of another one.
"""

import os
import shutil
from pathlib import Path

import psutil

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def own_metrics_folder() -> dict[str, str]:
    """The variable for prometheus_client, to be set before any metric is made; empty outside a worker.

    The workers of one service share a parent, whose number names the folder; those of dead parents go.
    """
    given = os.environ.get(VARIABLE)
    if not given:
        return {}
    folders = Path(given).with_name("touchstone-metrics")
    own = folders / str(os.getppid())
    own.mkdir(parents=True, exist_ok=True)
    for folder in folders.iterdir():
        if folder.name.isdigit() and not psutil.pid_exists(int(folder.name)):
            shutil.rmtree(folder, ignore_errors=True)
    return {VARIABLE: str(own)}
