"""`index.html`: how a task has been of late, on one static page that loads nothing, from its history."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Any

from monitoring.history import Record
from monitoring.incidents import ALARMS, Incident
from monitoring.performance import figure_of
from monitoring.summary import column_name, number

WINDOWS = 400  # drawn; the newest ones
LISTED = 48  # of them in the table
MOVED = 3  # columns named
CLASSES = {"OK": "ok", "WATCH": "watch"} | dict.fromkeys(ALARMS, "bad")
STYLE = """
:root { color-scheme: light dark; --paper: #fff; --card: #f5f6f8; --line: #d9dce1;
  --ink: #1c1d21; --soft: #666a73; --ok: #197a3a; --watch: #8a6100; --bad: #b3261e;
  --one: #0b5cad; --two: #bf4a00; --three: #0b7a6b; --four: #7a3db8 }
@media (prefers-color-scheme: dark) { :root { --paper: #131417; --card: #1d1f24; --line: #353840;
  --ink: #e7e8eb; --soft: #9a9fa9; --ok: #5cc980; --watch: #e2b84b; --bad: #ff8a80;
  --one: #6db3ff; --two: #ff9f66; --three: #4fd0bd; --four: #c8a1ff } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.45 system-ui, sans-serif }
main { max-width: 76rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.1rem; margin: 0 0 .75rem; overflow-wrap: anywhere }
h1 small { font-weight: normal; color: var(--soft) }
h2 { font-size: 1rem; margin: 1.5rem 0 .5rem }
a { color: var(--one) }
.ok { color: var(--ok) }
.watch { color: var(--watch) }
.bad { color: var(--bad) }
section { background: var(--card); border-left: .4rem solid; border-radius: .4rem; padding: .8rem 1rem }
section > strong { font-size: 1.9rem; line-height: 1.1 }
section > :not(strong) { color: var(--ink) }
section p { margin: .3rem 0 .8rem; max-width: 60rem; overflow-wrap: anywhere }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr));
  gap: .5rem 1.5rem; margin: 0 }
dd { margin: 0; overflow-wrap: anywhere }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr));
  gap: 1.25rem; margin-top: 1.5rem }
figure { margin: 0; min-width: 0 }
figcaption { margin-bottom: .25rem }
figcaption span, dt, th, footer { color: var(--soft); font-size: .85rem }
svg { display: block; width: 100%; height: auto; stroke-linejoin: round; overflow: visible }
svg text { font-family: system-ui, sans-serif }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .92rem }
th, td { text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line);
  white-space: nowrap }
th { font-weight: normal }
.n { text-align: right }
footer { margin-top: 1rem }
"""


def render(records: Sequence[Record], incident: Incident | None) -> str:
    """The page of a task's windows, the oldest first and at least one, and of its last incident."""
    from monitoring.plots import pictures  # matplotlib takes half a second to import

    newest = records[-1]
    task = escape(newest.result["task"])
    drawn = "".join(
        f"<figure><figcaption><b>{one.title}</b> <span>{one.n}</span></figcaption>{one.svg}</figure>"
        for one in pictures(records)
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '{_digest(STYLE)}'">
<title>{escape(newest.result["verdict"])} · {task}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{task} <small>{escape(newest.tag)}</small></h1>
{_now(newest, incident)}
<div class="pictures">{drawn}</div>
<h2>The last windows</h2>
<div class="scroll">{_table(records[: -LISTED - 1 : -1])}</div>
<footer>Times are UTC. A window leads to its report where one was drawn, else to its result.json. The pictures
show the last {WINDOWS} windows at most.</footer>
</main>
</body>
</html>
"""


def _now(newest: Record, incident: Incident | None) -> str:
    """What one wants to know at a glance."""
    result, kind = newest.result, CLASSES.get(newest.result["verdict"], "")
    facts = {
        "Window": f"{_span(newest.window.start, newest.window.end)}, {result['rows']['judged']:,} rows",
        "Judged": _time(newest.counted_at),
        "Moved": _moved(one for one in result["drift"] if one["drifted"]),
        "Incident": _incident(incident),
    }
    listed = "".join(f"<div><dt>{name}</dt><dd>{fact}</dd></div>" for name, fact in facts.items())
    return (
        f'<section class="{kind}"><strong>{escape(result["verdict"])}</strong>'
        f"<p>{escape(result['summary'])}</p><dl>{listed}</dl></section>"
    )


def _moved(drifted: Iterable[dict[str, Any]]) -> str:
    """The columns that moved furthest, and how far."""
    named = [f"{column_name(one['column'])} {number(one['distance'])}" for one in drifted]
    more = f" and {len(named) - MOVED} more" if len(named) > MOVED else ""
    return escape(", ".join(named[:MOVED]) + more) or "nothing beyond chance"


def _incident(incident: Incident | None) -> str:
    if incident is None:
        return "none so far"
    name, since = f"No. {incident.id} ({escape(incident.verdict)})", _time(incident.opened.start)
    if incident.closed is None:
        return f'<b class="bad">open</b>: {name}, since {since}'
    return f"none open; {name} ended with the window of {_time(incident.closed.start)}"


def _table(records: Sequence[Record]) -> str:
    heads = '<th>window</th><th>verdict</th><th class="n">rows</th><th>moved furthest</th><th>accuracy</th>'
    rows = "".join(f"<tr>{_row(one)}</tr>" for one in records)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _row(record: Record) -> str:
    result = record.result
    verdict, rows, furthest = result["verdict"], result["rows"]["judged"], next(iter(result["drift"]), None)
    late = f" <small>({result['late_rows']:,} late)</small>" if result.get("late_rows") else ""
    accuracy = result["performance"]["by_source"].get(result["performance"]["decided_by"])
    file = "report.html" if result["report"] else "result.json"
    cells = (
        f'<td><a href="{escape(record.window.name)}/{file}">{record.window.start:%m-%d %H:%M}</a></td>',
        f'<td class="{CLASSES.get(verdict, "")}">{escape(verdict)}</td>',
        f'<td class="n">{rows:,}{late}</td>',
        f"<td>{_moved([furthest]) if furthest else ''}</td>",
        f"<td>{figure_of(accuracy):.3f}</td>" if accuracy else "<td></td>",
    )
    return "".join(cells)


def _span(start: datetime, end: datetime) -> str:
    """The day is told once."""
    return (
        f"{_time(start)} to {end:%H:%M}" if start.date() == end.date() else f"{_time(start)} to {_time(end)}"
    )


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _digest(text: str) -> str:
    """How a Content-Security-Policy names an inline element that it allows."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
