"""What a person at the terminal sees."""

from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from monitoring.distributions import Distribution
from monitoring.drift import MIN_DISTANCE
from monitoring.explain import Explanation
from monitoring.judge import Judgement
from monitoring.performance import figure_of
from monitoring.summary import (
    chance,
    column_name,
    estimate_line,
    number,
    rows_of,
    share,
    slice_name,
    summary,
    told,
)
from monitoring.words import Move

STYLES = {"OK": "bold green", "WATCH": "bold yellow", "INSUFFICIENT": "bold yellow"}
ALARM_STYLE = "bold red"
LISTED = 5  # columns of a window
WORDS, PLACES, COLUMNS, ROWS = 5, 2, 2, 2
QUARTILES = ("p25", "p50", "p75")


def show(console: Console, judgement: Judgement, explanation: Explanation | None, path: Path) -> None:
    """The verdict of one window with what moved furthest and why, and where the report lies."""
    window = judgement.window
    console.print(
        _verdict(judgement),
        Text(f"{judgement.tag}, {window.start:%Y-%m-%d %H:%M:%S} to {window.end:%Y-%m-%d %H:%M:%S} UTC"),
    )
    console.print(Text(summary(judgement, explanation)))
    if judgement.statistics:
        console.print(_columns(judgement))
    for source, accuracy in judgement.accuracies.items():
        if source != judgement.decided_by:
            console.print(Text(f"{told(accuracy, source)}; not tested."))
    if judgement.estimate:
        console.print(Text(estimate_line(judgement.estimate)))
    if explanation:
        console.print(_details(explanation))
    console.print(Text(f"Report: {path}"), soft_wrap=True)


def window_table() -> Table:
    """An empty table for one line a window."""
    return Table(
        "window (UTC)", Column("rows", justify="right"), "verdict", "moved furthest", "accuracy", box=None
    )


def add_window(table: Table, judgement: Judgement) -> None:
    """The line of one window."""
    first = next(iter(judgement.statistics), None)
    furthest = f"{column_name(first.column)} {number(first.distance)}" if first else ""
    accuracy = judgement.accuracies.get(judgement.decided_by or "")
    start = f"{judgement.window.start:%Y-%m-%d %H:%M}"
    known = f"{figure_of(asdict(accuracy)):.3f}" if accuracy else ""
    table.add_row(start, f"{judgement.tally.n_rows:,}", _verdict(judgement), Text(furthest), known)


def _columns(judgement: Judgement) -> Table:
    threshold = number(judgement.statistics[0].threshold)
    caption = f"alarms: p below {threshold} and a distance of {MIN_DISTANCE} or more"
    figures = (Column(name, justify="right") for name in ("distance", "p"))
    table = Table("column", *figures, "change", "", box=None, caption=caption, caption_justify="left")
    for one in judgement.statistics[:LISTED]:
        measure = one.measure.removeprefix("share ")
        change = Text(f"{measure}: {share(one.reference)} to {share(one.current)}")
        mark = Text("moved" if one.drifted else "", ALARM_STYLE)
        table.add_row(Text(column_name(one.column)), number(one.distance), chance(one.p), change, mark)
    return table


def _details(explanation: Explanation) -> Table:
    """What the summary has no room for, in at most about twelve lines of a narrow terminal."""
    table = Table("", Column(overflow="fold"), show_header=False, box=None, padding=(0, 2, 0, 0))
    words = explanation.words
    told = {
        "more of": [_change(one) for one in words.gained[:WORDS]] if words else [],
        "less of": [_change(one) for one in words.lost[:WORDS]] if words else [],
        "most of it in": [
            f"{slice_name(one)}: {rows_of(one)}; {share(min(one.carried, 1))} of the move"
            for one in explanation.places[:PLACES]
        ],
        "quartiles": [_quartiles(one) for one in explanation.distributions if _moved(one)][:COLUMNS],
        "typical rows": [f"{one.request_id} {one.index}" for one in explanation.examples[:ROWS]],
    }
    for name, parts in told.items():
        if parts:
            separator = ", " if name in ("more of", "less of", "typical rows") else "\n"
            table.add_row(name, Text(separator.join(parts)))
    return table


def _change(one: Move) -> str:
    return f"{one.name} {share(one.reference)} to {share(one.window)}"


def _moved(one: Distribution) -> bool:
    """Whether its quartiles are others now."""
    return any(
        one.quantiles["reference"][p] != one.quantiles["window"][p] for p in QUARTILES if one.quantiles
    )


def _quartiles(one: Distribution) -> str:
    """The median, with the middle half of the rows around it."""
    before, now = (
        "{1} ({0} to {2})".format(*(_short(one.quantiles[side][p]) for p in QUARTILES))
        for side in ("reference", "window")
    )
    return f"{column_name(one.column)}: {before} before, {now} now"


def _short(value: float) -> str:
    """Two digits where there are no more before the point."""
    return f"{value:.2g}" if abs(value) < 100 else number(value)


def _verdict(judgement: Judgement) -> Text:
    return Text(judgement.verdict, STYLES.get(judgement.verdict, ALARM_STYLE))
