"""Reports past their days are deleted, and nothing else is."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitoring.retention import delete_old_reports
from monitoring.windows import Window

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def written(path: Path, days_ago: float) -> None:
    """A folder with a report, last written so many days ago."""
    path.mkdir()
    (path / "report.html").write_text("page")
    moment = (NOW - timedelta(days=days_ago)).timestamp()
    os.utime(path, (moment, moment))


def window(day: int) -> str:
    start = datetime(2026, 11, day, tzinfo=UTC)
    return Window(start, start + timedelta(hours=1)).name


def test_reports_written_too_long_ago_are_deleted(tmp_path: Path) -> None:
    for day, days_ago in ((1, 400), (2, 30.1), (3, 29.9), (4, 0)):
        written(tmp_path / window(day), days_ago)
    delete_old_reports(tmp_path, NOW, 30)
    assert {path.name for path in tmp_path.iterdir()} == {window(3), window(4)}


@pytest.mark.parametrize("name", ["history", "2020", "20200101T000000Z", f"{window(1)}.old", f"a{window(1)}"])
def test_what_is_no_window_stays(tmp_path: Path, name: str) -> None:
    written(tmp_path / name, 400)
    delete_old_reports(tmp_path, NOW, 30)
    assert (tmp_path / name).is_dir()
