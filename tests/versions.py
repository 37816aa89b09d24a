"""A model store of its own for one service, with two versions of each entry that can be told apart."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from bentos.model_store import write_manifest
from tests.serving import ROOT

FIRST, SECOND = "tiny", "second"


def own_store(store: Path, folder: Path) -> Path:
    """The BENTOML_HOME of a service in `folder`; its second versions are less sure of their answers."""
    home = folder / "home"
    (home / "bentos").mkdir(parents=True)
    for first in (store / "models").glob("sample-reviews-*/tiny"):
        shutil.copytree(first, home / "models" / first.parent.name / FIRST)
        (home / "models" / first.parent.name / "latest").write_text(FIRST)
        add_version(home, first.parent.name, SECOND, "calibration.json", {"temperature": 1000.0})
    return home


def add_version(home: Path, name: str, version: str, file: str, content: Any) -> None:
    """A copy of the first version with one file changed."""
    folder = shutil.copytree(home / "models" / name / FIRST, home / "models" / name / version)
    description = folder / "model.yaml"
    description.write_text(description.read_text().replace(f"version: {FIRST}", f"version: {version}"))
    (folder / file).write_text(json.dumps(content))
    write_manifest(folder)


def promote(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m train.promote ...` on that store."""
    command = [sys.executable, "-m", "train.promote", *arguments]
    environment = {**os.environ, "BENTOML_HOME": str(home)}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
