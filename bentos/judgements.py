"""What the monitor left of late: the `result.json` of each window, and its report.

The form of `result.json` is docs/result.schema.json.
"""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bentos.log_files import utc_text

NEWEST = 200
WINDOW = re.compile(r"\d{8}T\d{6}Z_\d{8}T\d{6}Z")  # the folder of a window: start and end in UTC
RESULT, REPORT = "result.json", "report.html"

Json = dict[str, Any]


class Judgements:
    """The windows judged, read anew only where a file has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, tuple[int, Json]] = {}  # by file: when it was changed, and what is told of it

    def newest(self, n: int = NEWEST) -> list[Json]:
        """The last `n` windows by their start, the oldest first; none where nothing was judged yet."""
        names = sorted(path.parent.name for path in self._folder.glob(f"*/{RESULT}"))
        paths = [self._folder / name / RESULT for name in names if WINDOW.fullmatch(name)][-n:]
        found = {path: told for path in paths if (told := self._told(path))}
        self._read = found
        return [told for _, told in found.values()]

    def _told(self, path: Path) -> tuple[int, Json] | None:
        """None for a file that has gone or is no result: what is wrong there, the monitor's own run says."""
        try:
            changed = path.stat().st_mtime_ns
            known = self._read.get(path)
            if known and known[0] == changed:
                return known
            return changed, told(json.loads(path.read_text("utf-8")), path, changed / 1e9)
        except (OSError, ValueError, KeyError, TypeError):
            return None


def told(result: Json, path: Path, judged: float) -> Json:
    """What the page draws and lists of a window; nothing in it is a text that a user sent."""
    return {
        "name": path.parent.name,
        "start": result["window"]["start"],
        "end": result["window"]["end"],
        "judged": utc_text(datetime.fromtimestamp(judged, UTC)),
        "verdict": result["verdict"],
        "model_tag": result["model_tag"],
        "summary": result["summary"],
        "rows": result["rows"]["judged"],
        "labels": result["traffic"]["labels"],
        "latency_ms": result["traffic"]["latency_ms"],
        "drift": [
            {key: one[key] for key in ("column", "distance", "drifted", "measure", "reference", "current")}
            for one in result["drift"]
        ],
        "performance": result["performance"],
        "has_report": path.with_name(REPORT).is_file(),
    }


def report_page(folder: Path, window: str) -> bytes | None:
    """The page of a window by its folder's name; None where there is none."""
    path = folder / window / REPORT
    return path.read_bytes() if WINDOW.fullmatch(window) and path.is_file() else None
