"""One run: what to judge, and what each window leaves behind: files, an incident, a line in the history."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import track

from bentos.model_store import ModelError, load_entry, model_name, read_reference, write_atomically
from bentos.production import default_version
from bentos.request_log import Row, read_feedback
from bentos.task import Task
from monitoring.drift import alarm_rate
from monitoring.explain import Explanation, explain
from monitoring.history import History
from monitoring.incidents import ALARMS, Incidents
from monitoring.judge import Judgement, judge
from monitoring.performance import labelled_items
from monitoring.reading import TallyFiles, tally_files, tally_window
from monitoring.reference import Reference
from monitoring.report import render
from monitoring.result import to_json, write
from monitoring.schedule import not_judged, written_since
from monitoring.tally import Key, Tally
from monitoring.windows import (
    CLOCK_SLACK,
    Window,
    WindowError,
    log_folder,
    parse_length,
    parse_time,
    plan_windows,
)
from monitoring.workspace import keep


@dataclass(frozen=True)
class Job:
    """What to judge, and where the results go."""

    task: Task
    reference: Reference  # of the version asked for, or of the one in production
    fixed: bool  # it was asked for: no other one is taken for windows that another version served
    logs: Path
    out: Path
    windows: list[Window]  # in their order
    judged: dict[Window, int]  # of them those judged before, with their rows: again only if there are more
    length: timedelta | None  # of windows that follow each other
    now: datetime
    tell: bool  # leave messages of incidents for a webhook
    workspace: Path | None  # of Evidently, for what is drawn
    tally_files: TallyFiles  # here, or by a cluster


class Judged(NamedTuple):
    """A window, and the page or file to look at."""

    judgement: Judgement
    explanation: Explanation | None
    path: Path


def prepare(arguments: argparse.Namespace, task: Task, now: datetime, tell: bool) -> Job:
    """Read the reference and plan the windows; raises WindowError and ModelError for a user's mistake."""
    length = parse_length(arguments.window) if arguments.window else None
    settled = now - timedelta(seconds=arguments.settle) if arguments.loop else now
    until = parse_time(arguments.until, now) if arguments.until else settled
    logs, out = log_folder(arguments.logs, task), arguments.out / task.name
    judged: dict[Window, int] = {}
    if arguments.since or length is None:
        windows = plan_windows(parse_time(arguments.since or "24h", now), until, length, now)
    else:
        windows = not_judged(History(out), length, until, now)
    name = model_name(task.name, arguments.variant)
    entry = load_entry(f"{name}:{arguments.version or default_version(name)}")
    if length and not arguments.since:
        changed = written_since(History(out), logs, length)
        judged = {one.window: one.result["rows"]["logged"] for one in changed}
    return Job(
        task=task,
        reference=reference_of(entry.tag),
        fixed=arguments.version is not None,
        logs=logs,
        out=out,
        windows=[*judged, *windows],
        judged=judged,
        length=length,
        now=now,
        tell=tell,
        workspace=arguments.workspace,
        tally_files=by_cluster(arguments.ray) if arguments.ray else tally_files,
    )


@cache
def by_cluster(address: str) -> TallyFiles:
    """How a Ray cluster counts; raises WindowError where Ray is not installed, OSError for no cluster."""
    try:
        from monitoring import fleet
    except ModuleNotFoundError:
        raise WindowError("--ray needs Ray: pip install -c requirements.lock '.[monitoring,fleet]'") from None
    fleet.connect(address)
    return fleet.tally_files


@lru_cache(maxsize=4)
def reference_of(tag: str) -> Reference:
    """What windows of a stored version are compared with; raises ModelError where there is none."""
    entry = load_entry(tag)
    return Reference(entry.tag, entry.task, read_reference(entry), entry.path, entry.interval)


def run(job: Job, stopped: Callable[[], bool]) -> Iterator[Judged]:
    """Judge one window after the other; ends early when stopped."""
    if not job.windows:
        return
    feedback = read_feedback(job.logs, job.windows[0].start - CLOCK_SLACK)
    labelled, progress, history = labelled_items(feedback.rows), Console(stderr=True), History(job.out)
    for window in track(
        job.windows, "judging", console=progress, disable=not progress.is_terminal, transient=True
    ):
        if stopped():
            return
        reference, tally = count(job, window, labelled, feedback.damaged_files)
        if window in job.judged and tally.logged.total() <= job.judged[window]:
            history.counted(reference.tag, window, job.now)
        else:
            yield _judge(job, history, window, reference, tally, feedback.rows)


def count(job: Job, window: Window, labelled: set[Key], damaged: Sequence[str]) -> tuple[Reference, Tally]:
    """The tally of a window beside the reference of the version that served most of it.

    A window that closed before a promotion was served by the version before.
    """
    now = job.now if window == job.windows[-1] else None
    tally = tally_window(job.logs, job.reference.scope(window, labelled, now), damaged, job.tally_files)
    other = served_most(tally)
    if job.fixed or other is None:
        return job.reference, tally
    try:
        reference = reference_of(other)
    except ModelError:  # no longer in the store: the contract will tell
        return job.reference, tally
    return reference, tally_window(job.logs, reference.scope(window, labelled, now), damaged, job.tally_files)


def served_most(tally: Tally) -> str | None:
    """The tag of another version of the same model that wrote most of the rows; None where this one did."""
    name = tally.tag.partition(":")[0]
    tag, rows = max(tally.logged.items(), key=lambda one: one[1], default=(tally.tag, 0))
    return tag if tag.startswith(f"{name}:") and rows > tally.n_rows else None


def wants_report(window: Window, result: dict[str, Any]) -> bool:
    """Whether somebody will want the pictures of a scheduled window: it is no ordinary one, or a day's first.

    That depends on the window alone, so that a second run draws the same.
    """
    first_of_day = (window.start - window.length).date() != window.start.date()
    return result["flagged"] or result["verdict"] in ALARMS or first_of_day


def _judge(
    job: Job, history: History, window: Window, reference: Reference, tally: Tally, feedback: Sequence[Row]
) -> Judged:
    """One window, and all that it leaves. It is remembered last: a run that is killed does it again."""
    tag = reference.tag
    rate = alarm_rate(job.task.monitoring.false_alarms_per_month, window.length, job.length is not None)
    past = history.before(window, tag) if job.length else []
    judgement = judge(window, tally, feedback, reference, rate, past)
    folder = job.out / window.name
    folder.mkdir(mode=0o700, exist_ok=True)
    explanation = explain(judgement, reference, job.logs)
    result = to_json(judgement, explanation, "report.html", None)
    first = history.first_logged(tag, window) if job.length else None
    result["late_rows"] = 0 if first is None else max(0, result["rows"]["logged"] - first)
    if job.length is None or wants_report(window, result):
        page, result["report_error"] = render(judgement, explanation)
        write_atomically(folder / "report.html", page, mode=0o600)
        if job.workspace and judgement.statistics and not result["report_error"]:
            keep(job.workspace, judgement)
    else:
        result["report"] = None
        (folder / "report.html").unlink(missing_ok=True)  # of a judgement that late rows have changed
    path = folder / (result["report"] or "result.json")
    write(result, folder)
    if job.length:
        Incidents(job.out).see(window, result, path, job.tell)
        history.remember(tag, window, result, job.now)
    return Judged(judgement, explanation, path)
