"""`python -m monitoring TASK`: judge the request log of a task against the reference of its model."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("DO_NOT_TRACK", "1")

from rich.console import Console

from bentos.model_store import VARIANTS, ModelError
from bentos.task import TaskError, load_task
from monitoring import acknowledge, audit, erase
from monitoring.exposition import Exposition
from monitoring.job import Job, prepare, run
from monitoring.judge import EXIT_CODES, worst
from monitoring.lock import locked
from monitoring.loop import Stop, loop
from monitoring.outputs import leave
from monitoring.retention import delete_old_reports
from monitoring.terminal import add_window, show, window_table
from monitoring.webhook import WebhookError, from_environment
from monitoring.windows import WindowError, parse_length

ALARMS = [verdict for verdict, code in EXIT_CODES.items() if code]
COMMANDS = {"audit": audit.main, "acknowledge": acknowledge.main, "erase": erase.main}
CODES = ", ".join(f"{verdict} {code}" for verdict, code in EXIT_CODES.items())
ERRORS = (TaskError, ModelError, WindowError, WebhookError, OSError)


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the log of a task; the exit code tells the gravest verdict."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in COMMANDS:
        return COMMANDS[argv[0]](argv[1:])
    arguments = parse(argv)
    try:
        if arguments.loop:
            go_on(arguments)
            return 0
        verdicts, _ = attempt(arguments, Exposition(), lambda: False)
    except ERRORS as error:
        print(error, file=sys.stderr)
        return 1
    return worst(verdicts, arguments.fail_on)


def go_on(arguments: argparse.Namespace) -> None:
    """Run after each window, until a signal. A user's mistake raises; what fails later is tried again."""
    load_task(arguments.task)
    from_environment()
    length = parse_length(arguments.window)
    exposition, stopped = Exposition(), Stop()
    if arguments.serve is not None:
        host, port = exposition.serve(arguments.serve).server_address[:2]
        print(f"Metrics: http://{host!s}:{port}/metrics", flush=True)

    def succeeds() -> bool:
        try:
            _, delivered = attempt(arguments, exposition, stopped)
            return delivered
        except ERRORS as error:
            print(error, file=sys.stderr, flush=True)
            return False

    loop(succeeds, stopped, length, timedelta(seconds=arguments.settle))


def attempt(
    arguments: argparse.Namespace, exposition: Exposition, stopped: Callable[[], bool]
) -> tuple[list[str], bool]:
    """One run: its verdicts, and whether no message is left. Of scheduled ones there is one at a time."""
    started, now = time.monotonic(), datetime.now(UTC).replace(microsecond=0)
    webhook, task = from_environment(), load_task(arguments.task)
    with locked(arguments.out / task.name) if arguments.window else nullcontext():
        job = prepare(arguments, task, now, tell=webhook is not None)
        verdicts = tell(job, Console(), stopped)
        delete_old_reports(job.out, now, task.monitoring.keep_reports_days)
        if job.length is None:
            return verdicts, True
        trouble = leave(job, job.length, webhook, exposition, started)
    if arguments.metrics:
        exposition.write(arguments.metrics)
    if trouble:
        print(trouble, file=sys.stderr, flush=True)
    return verdicts, trouble is None


def tell(job: Job, console: Console, stopped: Callable[[], bool]) -> list[str]:
    """Judge the windows, print what was found, return the verdicts."""
    verdicts, table = [], window_table()
    for judgement, explanation, path in run(job, stopped):
        verdicts.append(judgement.verdict)
        if len(job.windows) == 1:
            show(console, judgement, explanation, path)
        else:
            add_window(table, judgement)
    if table.row_count:
        console.print(table, f"Reports: {job.out}", soft_wrap=True)
    elif not verdicts:
        console.print(f"Nothing new to judge. Reports: {job.out}", soft_wrap=True)
    return verdicts


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m monitoring",
        description=main.__doc__,
        epilog=f"Exit codes: {CODES}; 1 when it could not judge, 2 for wrong arguments. "
        "Also: python -m monitoring audit TASK, acknowledge TASK START, erase TASK REQUEST_ID.",
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
    parser.add_argument(
        "--since", metavar="T", help=f"{when}; default: 24h, or with --window what is not judged yet"
    )
    parser.add_argument("--until", metavar="T", help="likewise; default: now")
    parser.add_argument(
        "--workspace", type=Path, metavar="DIR", help="for 'evidently ui': what is drawn is put there too"
    )
    parser.add_argument(
        "--fail-on",
        type=_verdicts,
        default=ALARMS,
        metavar="VERDICTS",
        help=f"those that end with their exit code, or none; default: {','.join(ALARMS).lower()}",
    )
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="count the log by a Ray cluster: host:port of its head, or local"
    )
    scheduled = parser.add_argument_group("scheduled windows")
    scheduled.add_argument(
        "--window", metavar="LENGTH", help="judge each closed window of 30m, 1h, 1d, 7d ..."
    )
    scheduled.add_argument("--loop", action="store_true", help="go on with each that closes, until SIGTERM")
    scheduled.add_argument(
        "--settle",
        type=int,
        default=60,
        metavar="S",
        help="seconds to wait for late rows; default: %(default)s",
    )
    scheduled.add_argument(
        "--metrics", type=Path, metavar="FILE", help="a .prom for node_exporter's textfile collector"
    )
    scheduled.add_argument("--serve", type=int, metavar="PORT", help="/metrics on 127.0.0.1, with --loop")
    arguments = parser.parse_args(argv)
    if (arguments.loop or arguments.metrics) and not arguments.window:
        parser.error("--loop and --metrics are about windows that follow each other: give --window too")
    if arguments.serve is not None and not arguments.loop:
        parser.error("--serve answers as long as the command runs: give --loop too")
    if arguments.settle < 0:
        parser.error("--settle is a time to wait: give 0 seconds or more")
    if arguments.loop and arguments.until:
        parser.error("--loop goes on: leave --until out")
    return arguments


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
