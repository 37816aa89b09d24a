"""`python -m monitoring TASK`: judge the request log of a task against the reference of its model."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("DO_NOT_TRACK", "1")

from rich.console import Console
from rich.progress import track

from bentos.model_store import VARIANTS, ModelError, load_entry, model_name, read_reference, write_atomically
from bentos.production import default_version
from bentos.request_log import read_feedback
from bentos.task import Task, TaskError, load_task
from monitoring import acknowledge, audit
from monitoring.drift import alarm_rate
from monitoring.explain import Explanation, explain
from monitoring.history import History
from monitoring.judge import EXIT_CODES, Judgement, judge, worst
from monitoring.performance import labelled_items
from monitoring.reading import tally_window
from monitoring.reference import Reference
from monitoring.report import render
from monitoring.result import to_json, write
from monitoring.terminal import add_window, show, window_table
from monitoring.windows import (
    CLOCK_SLACK,
    Window,
    WindowError,
    log_folder,
    parse_length,
    parse_time,
    plan_windows,
)

ALARMS = [verdict for verdict, code in EXIT_CODES.items() if code]
COMMANDS = {"audit": audit.main, "acknowledge": acknowledge.main}
CODES = ", ".join(f"{verdict} {code}" for verdict, code in EXIT_CODES.items())


@dataclass(frozen=True)
class Job:
    """What to judge, and where the results go."""

    task: Task
    reference: Reference
    logs: Path
    out: Path
    windows: list[Window]
    scheduled: bool  # the windows follow each other
    now: datetime


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the log of a task; the exit code tells the gravest verdict."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in COMMANDS:
        return COMMANDS[argv[0]](argv[1:])
    arguments = parse(argv)
    try:
        job = prepare(arguments, datetime.now(UTC).replace(microsecond=0))
        verdicts = tell(job, Console())
    except (TaskError, ModelError, WindowError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return worst(verdicts, arguments.fail_on)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m monitoring",
        description=main.__doc__,
        epilog=f"Exit codes: {CODES}; 1 when it could not judge, 2 for wrong arguments. "
        "Also: python -m monitoring audit TASK, python -m monitoring acknowledge TASK START.",
    )
    parser.add_argument("task", metavar="TASK", help="a name from bentos/tasks, or the path of a YAML file")
    parser.add_argument(
        "--version",
        help="of the store entry to compare with; default: the one in production, else the latest",
    )
    parser.add_argument("--variant", choices=VARIANTS, default=VARIANTS[0], help="default: %(default)s")
    logs = os.environ.get("TOUCHSTONE_LOGS") or "logs"
    parser.add_argument("--logs", type=Path, default=logs, metavar="DIR", help="root; default: %(default)s")
    parser.add_argument("--out", type=Path, default="reports", metavar="DIR", help="default: %(default)s")
    when = "an ISO time (UTC), or a length of time back from now"
    parser.add_argument("--since", default="24h", metavar="T", help=f"{when}; default: 24h")
    parser.add_argument("--until", default=None, metavar="T", help=f"{when}; default: now")
    parser.add_argument("--window", metavar="LENGTH", help="judge each closed window of 30m, 1h, 1d, 7d ...")
    parser.add_argument(
        "--fail-on",
        type=_verdicts,
        default=ALARMS,
        metavar="VERDICTS",
        help=f"those that end with their exit code, or none; default: {','.join(ALARMS).lower()}",
    )
    return parser.parse_args(argv)


def prepare(arguments: argparse.Namespace, now: datetime) -> Job:
    """Read the task and its reference and plan the windows; every user's mistake is found here."""
    length = parse_length(arguments.window) if arguments.window else None
    until = parse_time(arguments.until, now) if arguments.until else now
    windows = plan_windows(parse_time(arguments.since, now), until, length, now)
    task = load_task(arguments.task)
    logs = log_folder(arguments.logs, task)
    name = model_name(task.name, arguments.variant)
    entry = load_entry(f"{name}:{arguments.version or default_version(name)}")
    reference = Reference(entry.tag, entry.task, read_reference(entry), entry.path)
    return Job(task, reference, logs, arguments.out / task.name, windows, length is not None, now)


def tell(job: Job, console: Console) -> list[str]:
    """Judge the windows, print what was found, return the verdicts."""
    verdicts, table = [], window_table()
    for judgement, explanation, path in run(job):
        verdicts.append(judgement.verdict)
        if len(job.windows) == 1:
            show(console, judgement, explanation, path)
        else:
            add_window(table, judgement)
    if table.row_count:
        console.print(table, f"Reports: {job.out}", soft_wrap=True)
    return verdicts


def run(job: Job) -> Iterator[tuple[Judgement, Explanation | None, Path]]:
    """Judge, draw and write one window after the other; the HTML page of each is the path."""
    feedback = read_feedback(job.logs, job.windows[0].start - CLOCK_SLACK)
    labelled, progress, history = labelled_items(feedback.rows), Console(stderr=True), History(job.out)
    for window in track(
        job.windows, "judging", console=progress, disable=not progress.is_terminal, transient=True
    ):
        rate = alarm_rate(job.task.monitoring.false_alarms_per_month, window.length, job.scheduled)
        now = job.now if window == job.windows[-1] else None
        tally = tally_window(job.logs, job.reference.scope(window, labelled, now), feedback.damaged_files)
        past = history.before(window, job.reference.tag) if job.scheduled else []
        judgement = judge(window, tally, feedback.rows, job.reference, rate, past)
        folder = job.out / window.name
        folder.mkdir(parents=True, exist_ok=True)
        explanation = explain(judgement, job.reference, job.logs)
        page, error = render(judgement, explanation)
        write_atomically(folder / "report.html", page)
        result = to_json(judgement, explanation, "report.html", error)
        write(result, folder)
        if job.scheduled:
            history.remember(job.reference.tag, window, result)
        yield judgement, explanation, folder / "report.html"


def _verdicts(text: str) -> list[str]:
    """The verdicts of a comma list in any case; `none` is an empty one."""
    names = [name.strip().upper() for name in text.split(",")]
    unknown = [name for name in names if name not in [*ALARMS, "NONE"]]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"'{unknown[0].lower()}' is no verdict; give some of {', '.join(ALARMS).lower()}, or none"
        )
    return [name for name in names if name != "NONE"]


if __name__ == "__main__":
    sys.exit(main())
