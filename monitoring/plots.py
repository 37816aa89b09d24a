"""The pictures of index.html: what the windows of a task were like, over time."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

from monitoring.drift import MIN_DISTANCE
from monitoring.history import Record
from monitoring.judge import EXIT_CODES
from monitoring.summary import column_name
from monitoring.svg import COLOURS, drawing, svg

LISTED = 4  # columns whose distance is drawn
SHORTENED = 26  # characters of a name in a legend
MARKED = 80  # windows that still have a marker each
COLOUR_OF = {"OK": "ok", "WATCH": "watch", "INSUFFICIENT": "soft"}  # alarms are `bad`
SERIES = ("one", "two", "three", "four")
MARKERS, DASHES = ("o", "s", "^", "D"), ("-", "--", "-.", ":")
LEVEL: dict[str, Any] = {"color": COLOURS["ink"], "linestyle": (0, (1, 1)), "linewidth": 1.5}

Draw = Callable[[Axes, Sequence[Record]], str]


@dataclass(frozen=True)
class Picture:
    """One drawing with what is written above it."""

    title: str
    n: str  # of what, and how many
    svg: str


def pictures(records: Sequence[Record]) -> list[Picture]:
    """Those for which the windows, the oldest first and at least one, have figures."""
    drawn = []
    for name, (title, has_data, draw) in DRAWN.items():
        if has_data(records):
            with drawing(name) as figure:
                axes = figure.subplots()
                n = draw(axes, records)
                _time_axis(axes, records)
                drawn.append(Picture(title, n, svg(figure, title)))
    return drawn


def _verdicts(axes: Axes, records: Sequence[Record]) -> str:
    """A row for each verdict that occurs, the gravest on top, and a bar in it for its windows."""
    counts = Counter(one.result["verdict"] for one in records)
    rows = [verdict for verdict in reversed(EXIT_CODES) if verdict in counts]
    for y, verdict in enumerate(rows):
        colour = COLOURS[COLOUR_OF.get(verdict, "bad")]
        present = [y + 0.3 if one.result["verdict"] == verdict else math.nan for one in records]
        _steps(axes, records, present, baseline=y - 0.3, fill=True, color=colour)
    axes.set_yticks(range(len(rows)), [f"{verdict}  {counts[verdict]}" for verdict in rows])
    axes.set_ylim(-0.6, max(len(rows), 3) - 0.4)
    axes.grid(visible=False, axis="y")
    return _windows(len(records))


def _distances(axes: Axes, records: Sequence[Record]) -> str:
    """The columns that moved furthest in any window, and how far each must have to be flagged."""
    by_window = [{one["column"]: one["distance"] for one in record.result["drift"]} for record in records]
    furthest: dict[str, float] = {}
    for window in by_window:
        furthest |= {c: max(distance, furthest.get(c, 0.0)) for c, distance in window.items()}
    for i, column in enumerate(sorted(furthest, key=lambda c: -furthest[c])[:LISTED]):
        values = [window.get(column, math.nan) for window in by_window]
        _line(axes, records, values, i, column_name(column))
    least = [_least(one) for one in records]
    _steps(axes, records, least, baseline=None, label="smallest that matters", **LEVEL)
    axes.set_ylim(0, None)
    axes.set_ylabel("share of the rows")
    _legend(axes)
    return _windows(sum(bool(window) for window in by_window))


def _rows(axes: Axes, records: Sequence[Record]) -> str:
    counts = [one.result["rows"]["judged"] for one in records]
    _steps(axes, records, counts, baseline=0, fill=True, color=COLOURS["one"])
    axes.set_ylabel("rows")
    return f"{_windows(len(records))}, {sum(counts):,} rows"


def _latency(axes: Axes, records: Sequence[Record]) -> str:
    found = [_latencies(one) for one in records]
    for i, quantile in enumerate(("p50", "p99")):
        values = [math.nan if one.get(quantile) is None else one[quantile] for one in found]
        _line(axes, records, values, i, quantile)
    axes.set_ylim(0, None)
    axes.set_ylabel("ms")
    _legend(axes)
    return _windows(sum(bool(one) for one in found))


def _by_labels(figure: str, measure: str, axes: Axes, records: Sequence[Record]) -> str:
    """Accuracy or RMSE by source of the labels, with 95 % limits, and the reference's."""
    labels = 0.0
    for i, source in enumerate(sorted({source for one in records for source in _by_source(figure, one)})):
        mine = [
            (one, _by_source(figure, one)[source]) for one in records if source in _by_source(figure, one)
        ]
        labels += sum(found["labels"] for _, found in mine)
        axes.errorbar(
            _middles([one for one, _ in mine]),
            [found[figure] for _, found in mine],
            [
                [found[figure] - found["low"] for _, found in mine],
                [found["high"] - found[figure] for _, found in mine],
            ],
            fmt=MARKERS[i],
            color=COLOURS[SERIES[i]],
            linewidth=1,
            label=f"{source}, 95 % limits",
        )
    name = f"reference_{figure}"
    of_tag = {one.tag: found[name] for one in records for found in _by_source(figure, one).values()}
    reference = [of_tag.get(one.tag, math.nan) for one in records]
    _steps(axes, records, reference, baseline=None, label="reference", **LEVEL)
    axes.set_ylabel(measure)
    _legend(axes)
    return f"{_windows(sum(bool(_by_source(figure, one)) for one in records))}, {labels:,.0f} labels"


DRAWN: dict[str, tuple[str, Callable[[Sequence[Record]], bool], Draw]] = {
    "verdicts": ("Verdicts", bool, _verdicts),
    "distances": ("Distance", lambda these: any(one.result["drift"] for one in these), _distances),
    "rows": ("Volume", bool, _rows),
    "latency": ("Latency", lambda these: any(_latencies(one) for one in these), _latency),
    "accuracy": (
        "Accuracy",
        lambda these: any(_by_source("accuracy", one) for one in these),
        partial(_by_labels, "accuracy", "share right"),
    ),
    "errors": (
        "Errors",
        lambda these: any(_by_source("rmse", one) for one in these),
        partial(_by_labels, "rmse", "RMSE"),
    ),
}


def _latencies(record: Record) -> dict[str, float]:
    return (record.result.get("traffic") or {}).get("latency_ms") or {}


def _by_source(figure: str, record: Record) -> dict[str, dict[str, float]]:
    by_source = record.result["performance"]["by_source"]
    return {source: found for source, found in by_source.items() if figure in found}


def _least(record: Record) -> float:
    """The smallest distance that matters in a window: below it nothing is flagged."""
    by_chance = record.result["alarm_rate"]["smallest_distance"]
    return math.nan if by_chance is None else max(by_chance, MIN_DISTANCE)


def _line(axes: Axes, records: Sequence[Record], values: Sequence[float], i: int, name: str) -> None:
    marker = MARKERS[i] if len(records) <= MARKED else None
    short = name if len(name) <= SHORTENED else f"{name[: SHORTENED - 1]}…"
    axes.plot(
        _middles(records),
        values,
        color=COLOURS[SERIES[i]],
        marker=marker,
        linestyle=DASHES[i],
        linewidth=1.5,
        label=short,
    )


def _steps(axes: Axes, records: Sequence[Record], values: Sequence[float], **style: Any) -> None:
    """A level for each window, over its whole length; nothing where there is no window between two."""
    levels: list[float] = []
    edges = [date2num(records[0].window.start)]
    for record, value in zip(records, values, strict=True):
        start, end = date2num(record.window.start), date2num(record.window.end)
        if start > edges[-1]:
            levels.append(math.nan)
            edges.append(start)
        levels.append(value)
        edges.append(end)
    axes.stairs(levels, edges, **style)


def _legend(axes: Axes) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)


def _time_axis(axes: Axes, records: Sequence[Record]) -> None:
    """The same for all pictures."""
    axes.set_xlim(date2num(records[0].window.start), date2num(records[-1].window.end))
    locator = AutoDateLocator(minticks=3, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _middles(records: Sequence[Record]) -> list[float]:
    return [date2num(one.window.start + one.window.length / 2) for one in records]


def _windows(n: int) -> str:
    return f"n = {n:,} window{'s' if n != 1 else ''}"
