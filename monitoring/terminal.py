"""What a person at the terminal sees."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitoring.drift import MIN_DISTANCE
from monitoring.judge import Judgement
from monitoring.summary import accuracy_line, chance, column_name, estimate_line, number, share, summary

STYLES = {"OK": "bold green", "WATCH": "bold yellow", "INSUFFICIENT": "bold yellow"}
ALARM_STYLE = "bold red"
LISTED = 5  # columns of a window


def show(console: Console, judgement: Judgement, path: Path) -> None:
    """The verdict of one window with what moved furthest, and where the report lies."""
    window = judgement.window
    console.print(
        _verdict(judgement),
        Text(f"{judgement.tag}, {window.start:%Y-%m-%d %H:%M:%S} to {window.end:%Y-%m-%d %H:%M:%S} UTC"),
    )
    console.print(Text(summary(judgement)))
    if judgement.statistics:
        console.print(_columns(judgement))
    for source, accuracy in judgement.accuracies.items():
        if source != judgement.decided_by:
            console.print(Text(f"Accuracy {accuracy_line(accuracy, source)}; not tested."))
    if judgement.estimate:
        console.print(Text(estimate_line(judgement.estimate)))
    console.print(Text(f"Report: {path}"), soft_wrap=True)


def window_table() -> Table:
    """An empty table for one line a window."""
    return Table("window (UTC)", "rows", "verdict", "moved furthest", "accuracy", box=None)


def add_window(table: Table, judgement: Judgement) -> None:
    """The line of one window."""
    first = next(iter(judgement.statistics), None)
    furthest = f"{column_name(first.column)} {number(first.distance)}" if first else ""
    accuracy = judgement.accuracies.get(judgement.decided_by or "")
    start = f"{judgement.window.start:%Y-%m-%d %H:%M}"
    known = f"{accuracy.accuracy:.3f}" if accuracy else ""
    table.add_row(start, f"{judgement.tally.n_rows:,}", _verdict(judgement), Text(furthest), known)


def _columns(judgement: Judgement) -> Table:
    threshold = number(judgement.statistics[0].threshold)
    caption = f"alarms: p below {threshold} and a distance of {MIN_DISTANCE} or more"
    table = Table("column", "distance", "p", "change", "", box=None, caption=caption, caption_justify="left")
    for one in judgement.statistics[:LISTED]:
        measure = one.measure.removeprefix("share ")
        change = Text(f"{measure}: {share(one.reference)} to {share(one.current)}")
        mark = Text("moved" if one.drifted else "", ALARM_STYLE)
        table.add_row(Text(column_name(one.column)), number(one.distance), chance(one.p), change, mark)
    return table


def _verdict(judgement: Judgement) -> Text:
    return Text(judgement.verdict, STYLES.get(judgement.verdict, ALARM_STYLE))
