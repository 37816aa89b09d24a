"""The page at /ui: its files as they are sent, and what it asks the service."""

import asyncio
import gzip
import os
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from bentos.http import Call, Reply, Route
from bentos.incoming import RequestError, header
from bentos.judgements import Judgements, report_page
from bentos.model_store import ModelError
from bentos.openapi import EXAMPLE
from bentos.production import history
from bentos.task import Task

FOLDER = Path(__file__).with_name("ui")
MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A report brings scripts of its own: it may run them, but is kept apart from the page and its key.
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; frame-ancestors 'none'"
)
REPORTS = "TOUCHSTONE_REPORTS"

Routes = dict[tuple[str, str], Route]


def file_routes() -> Routes:
    """The page and its files, which need no key: nothing of the service is in them."""
    routes = {
        ("GET", path): Route(partial(redirect, to)) for path, to in {"/": "ui", "/ui/": "../ui"}.items()
    }
    for path in sorted(FOLDER.rglob("*")):
        if media_type := MEDIA_TYPES.get(path.suffix):
            name = "/ui" if path.name == "index.html" else f"/ui/{path.relative_to(FOLDER).as_posix()}"
            routes["GET", name] = Route(file_route(path.read_bytes(), media_type))
    return routes


def file_route(content: bytes, media_type: str) -> Callable[[Call], Any]:
    """What answers with a file: compressed where that is understood, and not at all to who has it already."""
    packed, tag = gzip.compress(content, mtime=0), f'"{sha256(content).hexdigest()[:16]}"'
    headers = {**SAFE, "Content-Security-Policy": POLICY, "Cross-Origin-Opener-Policy": "same-origin"}
    headers |= {"Cache-Control": "no-cache", "ETag": tag, "Vary": "Accept-Encoding"}

    async def answer(call: Call) -> Reply:
        asked = {"headers": call.headers}
        if header(asked, b"if-none-match").removeprefix(b"W/") == tag.encode():
            return Reply(b"", 304, headers)
        sent = f"{media_type}; charset=utf-8"
        if b"gzip" in header(asked, b"accept-encoding"):
            return Reply(packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=sent)
        return Reply(content, headers=headers, media_type=sent)

    return answer


async def redirect(to: str, call: Call) -> Reply:
    """Elsewhere on this service, relative: a proxy may have put it below a path of its own."""
    return Reply(b"", 307, {**SAFE, "Location": to})


async def no_page(call: Call) -> Reply:
    """In the place of BentoML's own index, which loads scripts from elsewhere."""
    raise RequestError(404, "There is no page here; it was switched off (ui=false).")


class PageData:
    """What the page shows of the service and of the monitor: JSON, and the monitor's reports as they are.

    `tag` tells the version that answers; `has_keys` whether callers need a key.
    """

    def __init__(self, task: Task, tag: Callable[[], str], has_keys: bool) -> None:
        self._task, self._tag, self._has_keys = task, tag, has_keys
        root = os.environ.get(REPORTS)
        self._reports = Path(root) / task.name if root else None
        self._judgements = Judgements(self._reports) if self._reports else None

    def routes(self) -> Routes:
        """By method and path; all of them need a key where there are keys."""
        return {
            ("GET", "/ui/service"): Route(self._service),
            ("GET", "/ui/watch"): Route(self._watch),
            ("GET", "/ui/report"): Route(self._report),
        }

    async def _service(self, call: Call) -> Reply:
        task = self._task
        return fresh(
            {
                "task": task.name,
                "model_tag": self._tag(),
                "labels": task.labels,
                "pipeline_tag": task.pipeline_tag,
                "problem_type": task.problem_type,
                "inputs": task.input_column_names,
                "examples": list(EXAMPLE.values()),
                "max_items": task.serving.max_items,
                "log_inputs": task.monitoring.log_inputs,
            }
        )

    async def _watch(self, call: Call) -> Reply:
        """The versions in production and the windows judged, each the oldest first; null: not known here."""
        tag = self._tag()
        try:
            promotions = history(tag.partition(":")[0])
        except ModelError as error:
            raise RequestError(503, str(error)) from None
        windows = await asyncio.to_thread(self._judgements.newest) if self._judgements else None
        return fresh({"model_tag": tag, "promotions": promotions, "windows": windows})

    async def _report(self, call: Call) -> Reply:
        """The report of `?window=`; one that may hold texts is shown to nobody where everybody may ask."""
        if self._task.monitoring.log_inputs in ("redacted", "full") and not self._has_keys:
            raise RequestError(
                403,
                "Reports show texts that users sent; they are shown here only if the service has API keys.",
            )
        window = parse_qs(call.query).get("window", [""])[0]
        page = await asyncio.to_thread(report_page, self._reports, window) if self._reports else None
        if page is None:
            raise RequestError(404, "There is no report of such a window; the monitor deletes old ones.")
        headers = {**SAFE, "Content-Security-Policy": REPORT_POLICY, "Cache-Control": "no-store"}
        return Reply(page, headers=headers, media_type="text/html; charset=utf-8")


def fresh(value: Any) -> Reply:
    """JSON that no cache keeps."""
    return Reply(value, headers={**SAFE, "Cache-Control": "no-store"})
