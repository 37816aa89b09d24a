"""The explanation of a window as HTML: the words, where it happened, typical rows."""

from collections.abc import Iterable, Sequence
from html import escape

from monitoring.examples import Example
from monitoring.explain import Explanation
from monitoring.slices import Slice
from monitoring.summary import column_name, share, slice_name
from monitoring.words import Move, Words

SHOWN = 600  # characters of a text
SLICES = 10
PERHAPS = """Perhaps: the log holds hashed tokens only, and the reference hardly held these. The first word
 is the likeliest."""
MOVE = """Of the move: what these rows add to it; the slices of one kind add up to 100 %. The distance is that
 from the rows of the reference that are alike, or from all of them, where the column moved most."""
STYLE = """
.why{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr));gap:0 3rem}
.why h2,.rows h2{font-size:1rem;margin:1rem 0 .3rem}
.scroll{overflow-x:auto}
table.ours{border-collapse:collapse}
.ours td,.ours th{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0;border-bottom:1px solid #ddd}
.ours td+td,.ours th+th{white-space:nowrap}
.ours td.n,.ours th.n{text-align:right}
.bar{height:.35rem;margin:.15rem 0;border-radius:.1rem;background:#2f5d9e}
.was{background:#b9b6bf}
.bars{width:6rem}
@media(max-width:40rem){.bars{width:2rem}}
.note{margin:.3rem 0;font-size:.9rem}
.faint{color:#5f5c66}
.rows blockquote{margin:.2rem 0 .9rem;padding:0 0 0 .8rem;border-left:3px solid #ddd;white-space:pre-wrap;
 overflow-wrap:anywhere}
.rows code{overflow-wrap:anywhere}
.rows{margin-bottom:1.5rem}
"""


def sections(explanation: Explanation) -> str:
    """Whatever there is to show; texts are escaped."""
    words = _words(explanation.words) if explanation.words else ""
    return f"{words}{_slices(explanation.slices)}{_examples(explanation.examples)}"


def table(heads: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells that are HTML already; the head of a column of numbers begins with a `#`."""
    kinds = [" class='n'" if head.startswith("#") else "" for head in heads]
    lines = [_line("th", kinds, [head.removeprefix("#") for head in heads])]
    lines += [_line("td", kinds, row) for row in rows]
    return f"<div class='scroll'><table class='ours'>{''.join(lines)}</table></div>"


def _line(tag: str, kinds: Sequence[str], cells: Iterable[str]) -> str:
    told = (f"<{tag}{kind}>{cell}</{tag}>" for kind, cell in zip(kinds, cells, strict=True))
    return f"<tr>{''.join(told)}</tr>"


def _words(words: Words) -> str:
    sides = {"Words that more texts hold": words.gained, "Words that fewer texts hold": words.lost}
    heads = ("word", "#before", "#now", "<div class='bars'></div>")
    told = "".join(
        f"<div><h2>{title}</h2>{table(heads, map(_move, moves))}</div>"
        for title, moves in sides.items()
        if moves
    )
    guessed = any(one.known_from == "tokenizer" for one in [*words.gained, *words.lost])
    note = f"<p class='note faint'>{PERHAPS}</p>" if guessed else ""
    return f"<div class='why'>{told}</div>{note}" if told else ""


def _move(one: Move) -> tuple[str, ...]:
    others = ", ".join(escape(word) for word in one.words[1:])
    either = f" <span class='faint'>or {others}</span>" if others else ""
    perhaps = "<span class='faint'>perhaps</span> " if one.known_from == "tokenizer" else ""
    bars = "".join(
        f"<div class='{side}' style='width:{part:.1%}'></div>"
        for side, part in (("bar was", one.reference), ("bar", one.window))
    )
    word = f"{perhaps}<b>{escape(one.words[0])}</b>{either}"
    return word, share(one.reference), share(one.window), bars


def _slices(slices: list[Slice]) -> str:
    heads = ("where", "#of all", "#were", "#of the move", "#distance", "#elsewhere", "furthest in", "#rows")
    told = table(heads, map(_slice, slices[:SLICES]))
    note = f"<p class='note faint'>{MOVE}</p>"
    return f"<div class='rows'><h2>Where it happened</h2>{told}{note}</div>" if slices else ""


def _slice(one: Slice) -> tuple[str, ...]:
    name, elsewhere = escape(slice_name(one)), one.elsewhere.get(one.column)
    return (
        f"<b>{name}</b>" if one.has_most else name,
        share(one.share),
        "" if one.reference_share is None else share(one.reference_share),
        f"{100 * one.carried:.0f} %",
        f"{one.distances[one.column]:.2f}",
        "" if elsewhere is None else f"{elsewhere:.2f}",
        escape(column_name(one.column)),
        f"{one.rows:,}",
    )


def _examples(examples: list[Example]) -> str:
    told = "".join(
        f"<code>{escape(one.request_id)}</code> <span class='faint'>{one.index}</span>{_text(one)}"
        for one in examples
    )
    return f"<div class='rows'><h2>Typical rows: request and index</h2>{told}</div>" if told else ""


def _text(one: Example) -> str:
    if one.text is None:
        return "<br>"
    text = one.text if isinstance(one.text, str) else "\n\n".join(one.text)
    cut = f"{text[:SHOWN]} ..." if len(text) > SHOWN else text
    return f"<blockquote>{escape(cut)}</blockquote>"
