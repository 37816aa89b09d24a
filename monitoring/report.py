"""`report.html`: our verdict on top, Evidently's pictures of every column below."""

import warnings
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitoring.columns import Columns, finite
from monitoring.drift import MIN_DISTANCE, Statistic
from monitoring.explain import Explanation
from monitoring.judge import Judgement
from monitoring.sections import STYLE, sections, table
from monitoring.summary import chance, column_name, estimate_line, move, number, rule_in_words, summary
from monitoring.tally import SAMPLE

SEED = 0
COLOURS = {"OK": "#1b7f3b", "WATCH": "#7a6a00", "INSUFFICIENT": "#7a6a00"}  # every other verdict is red
ALARM_COLOUR = "#b3261e"
# Evidently writes "drift detected" by a threshold. It gets one that repeats our decision, since its own are
# wrong at most sample sizes: a distance is always above the first of these, never above the second.
ALWAYS, NEVER = 0.0, 2.0
EMPTY = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="UTF-8"><title>Touchstone</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1.0"></head><body></body></html>'
)


def render(judgement: Judgement, explanation: Explanation | None) -> tuple[str, str | None]:
    """A self-contained HTML page, and why it has no pictures where Evidently failed to draw them."""
    page, error = EMPTY, None
    if judgement.statistics:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Evidently's own: the user cannot mend them
            try:
                page = str(snapshot(judgement).get_html_str(as_iframe=False))
            except Exception as failure:  # it fails in many ways on odd data; the verdict stands
                error = f"{type(failure).__name__}: {failure}"
    head, body, rest = page.partition("<body>")
    return head + body + _banner(judgement, explanation, error) + rest, error


def snapshot(judgement: Judgement) -> Any:
    """Evidently's Snapshot as of the window's end: one picture a column, furthest moved first."""
    from evidently import DataDefinition, Dataset, Report  # seconds to import
    from evidently.metrics import ValueDrift

    drawn = [one for one in judgement.statistics if one.column != "tokens"]
    metrics = [
        ValueDrift(
            column=column_name(one.column),
            method="jensenshannon",
            threshold=ALWAYS if one.drifted else NEVER,
        )
        for one in drawn
    ]
    columns = [one.column for one in drawn]
    definition = DataDefinition(
        numerical_columns=[column_name(column) for column in columns if column != "label"],
        categorical_columns=[column_name(column) for column in columns if column == "label"],
    )
    frames = _frames(judgement, columns)
    current, reference = (Dataset.from_pandas(frame, definition) for frame in frames)
    name, end = judgement.window.name, judgement.window.end.replace(tzinfo=None)
    return Report(metrics).run(current, reference, name=name, timestamp=end)


def _frames(judgement: Judgement, columns: Sequence[str]) -> list[Any]:
    """Samples of window and reference, without gaps and of one length: Evidently stumbles over gaps."""
    import pandas as pd

    sides = (judgement.tally.sample.columns, judgement.reference)
    values = [{column: _values(side, column, judgement.labels) for column in columns} for side in sides]
    size = min(SAMPLE, *(len(one) for side in values for one in side.values()))
    return [
        pd.DataFrame({column_name(column): _sample(one, size) for column, one in side.items()})
        for side in values
    ]


def _values(columns: Columns, name: str, labels: Sequence[str]) -> NDArray[Any]:
    if name == "label":
        return np.array(labels, dtype=object)[columns.labels[columns.labels >= 0]]
    return finite(columns.numbers[name])


def _sample(values: NDArray[Any], size: int) -> NDArray[Any]:
    """Some of the values in their order, the same ones each time."""
    return values[np.sort(np.random.default_rng(SEED).choice(len(values), size, replace=False))]


def _banner(judgement: Judgement, explanation: Explanation | None, error: str | None) -> str:
    """The verdict, the summary, the explanation and the table of statistics as HTML."""
    colour = COLOURS.get(judgement.verdict, ALARM_COLOUR)
    window = judgement.window
    heads = ("column", "#distance", "#p", "#alarms below", "")
    rows = judgement.statistics
    drawn = (
        f"Evidently drew the pictures below from equal samples of up to {SAMPLE:,} rows a side."
        if rows
        else ""
    )
    if error:
        drawn = f"Evidently could not draw the pictures: {error}"
    return f"""
<section style="font:16px/1.5 system-ui,sans-serif;max-width:75rem;margin:1.5rem auto;padding:0 1.5rem;
 color:#1c1b1f;background:#fff">
<style>{STYLE}</style>
<h1 style="color:{colour};margin:0">{escape(judgement.verdict)}</h1>
<p style="margin:0">{escape(judgement.tag)} &middot; {window.start:%Y-%m-%d %H:%M:%S} to
 {window.end:%Y-%m-%d %H:%M:%S} UTC &middot; {judgement.tally.n_rows:,} rows against
 {len(judgement.reference):,} of the reference</p>
<p><strong>{escape(summary(judgement, explanation))}</strong></p>
{sections(explanation) if explanation else ""}
{table(heads, map(_cells, rows)) if rows else ""}
<p>{escape(estimate_line(judgement.estimate)) if judgement.estimate else ""}</p>
<p>{escape(rule_in_words(judgement))} A distance of 0.1 means that at least 10&nbsp;% of the rows
 would have to be others; below {MIN_DISTANCE} nothing alarms. {escape(drawn)}</p>
</section>
"""


def _cells(one: Statistic) -> tuple[str, ...]:
    verdict = f'<b style="color:{ALARM_COLOUR}">moved</b>' if one.drifted else ""
    p = escape(chance(one.p))
    return escape(move(one)), number(one.distance), p, number(one.threshold), verdict
