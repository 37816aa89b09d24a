"""Reports are kept for `keep_reports_days`, then deleted."""

import re
import shutil
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

NAME = re.compile(r"\d{8}T\d{6}Z_\d{8}T\d{6}Z")  # monitoring.windows.Window.name


def delete_old_reports(folder: Path, now: datetime, days: float) -> None:
    """Delete the windows of a task's reports that were last written more than `days` ago, and nothing else.

    Not by the window's own time: who has an old window judged wants to read what was found.
    """
    latest = (now - timedelta(days=days)).timestamp()
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # another run was first
            if NAME.fullmatch(path.name) and path.stat().st_mtime < latest:
                shutil.rmtree(path)
