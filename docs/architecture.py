"""The picture of the architecture. Its arrows are what the imports say: whoever imports what, is drawn so."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("train", "service", "monitoring", "bentos")
WRITERS = {  # a package that imports one of these writes the file
    "store": {"bentos.model_store.save_entry"},
    "log": {"bentos.request_log.open_log"},
}
READERS = {
    "store": {"bentos.model_store.load_entry"},
    "log": {"bentos.log_reader"},
}


@dataclass(frozen=True)
class Box:
    """A place in the picture, in its own units."""

    x: int
    y: int
    width: int
    height: int
    lines: tuple[str, ...]


BOXES = {
    "train": Box(150, 20, 150, 56, ("train/", "learn, export, measure")),
    "store": Box(150, 120, 150, 56, ("model store entry", "model, task, reference")),
    "service": Box(150, 220, 150, 56, ("service.py", "answer, log")),
    "log": Box(150, 320, 150, 56, ("request log", "a row for each answer")),
    "monitoring": Box(150, 420, 150, 56, ("monitoring/", "judge, explain, tell")),
    "bentos": Box(380, 20, 110, 456, ("bentos/", "what all build on")),
}
OUTSIDE = (  # what people bring and get: text, y, and whether the arrow goes in, out or both
    ("labelled rows", 48, "in"),
    ("requests, labels", 248, "both"),
    ("verdict, report", 448, "out"),
)


def imports() -> dict[tuple[str, str], set[str]]:
    """Of each pair of packages, the full names that the first imports from the second."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for package in PACKAGES:
        for path in sorted((ROOT / package).glob("*.py")) or [ROOT / f"{package}.py"]:
            for name in imported(path):
                if (other := name.partition(".")[0]) in PACKAGES and other != package:
                    found[package, other].add(name)
    return dict(found)


def imported(path: Path) -> Iterator[str]:
    """The full names that a file imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(table: dict[str, set[str]]) -> set[tuple[str, str]]:
    """(package, station) where the package imports what the table names for the station."""
    return {
        (package, station)
        for (package, _), names in imports().items()
        for station, keys in table.items()
        if any(name.startswith(tuple(keys)) for name in names)
    }


def arrows() -> list[tuple[str, str, str]]:
    """(kind, from, to) of every arrow between boxes."""
    between = [("imports", one, other) for one, other in imports()]
    written = [("writes", package, station) for package, station in files(WRITERS)]
    read = [("reads", station, package) for package, station in files(READERS)]
    return sorted(between + written + read)


def figure() -> str:
    """The picture as inline SVG in the page's colours."""
    boxes = "".join(box(name, one) for name, one in BOXES.items())
    lines = "".join(line(kind, one, other) for kind, one, other in arrows())
    outside = "".join(visitor(*one) for one in OUTSIDE)
    return (
        '<svg class="architecture" viewBox="0 0 510 490" role="img" '
        'aria-label="train writes the model store entry, service.py reads it and writes the request log, '
        'monitoring reads both; all three import bentos, and none another">'
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M0 0 8 4 0 8z"/></marker></defs>'
        f"{boxes}{lines}{outside}</svg>\n"
    )


def box(name: str, one: Box) -> str:
    kind = "station" if name in WRITERS else "package"
    middle, top = one.x + one.width / 2, one.y + min(one.height, 56) / 2
    title, *rest = (*one.lines, "")
    radius = 20 if kind == "station" else 4
    return (
        f'<g class="{kind}" id="box-{name}"><rect x="{one.x}" y="{one.y}" width="{one.width}" '
        f'height="{one.height}" rx="{radius}"/><text class="name" x="{middle}" y="{top - 3}">{title}</text>'
        f'<text x="{middle}" y="{top + 15}">{rest[0]}</text></g>'
    )


def line(kind: str, one: str, other: str) -> str:
    """An arrow between two boxes."""
    ends = f'data-from="{one}" data-to="{other}"'
    return f'<path class="{kind}" {ends} marker-end="url(#head)" d="{way(one, other)}"/>'


def way(one: str, other: str) -> str:
    """Straight down or across; along the right or left side where a box lies between."""
    a, b = BOXES[one], BOXES[other]
    if a.x != b.x:
        return f"M{a.x + a.width} {a.y + a.height / 2} H{b.x}"
    gap = b.y - (a.y + a.height) if b.y > a.y else a.y - (b.y + b.height)
    if gap < 60 and b.y > a.y:
        return f"M{a.x + a.width / 2} {a.y + a.height} V{b.y}"
    if gap < 60:
        return f"M{a.x + a.width / 2 + 40} {a.y} V{b.y + b.height}"
    side, bulge = (a.x + a.width, 36) if b.y > a.y else (a.x, -36)
    return f"M{side} {a.y + a.height / 2 + 14} h{bulge} V{b.y + b.height / 2 - 14} H{side}"


def visitor(text: str, y: int, direction: str) -> str:
    """What comes from outside, or goes there."""
    start = ' marker-start="url(#head)"' if direction != "in" else ""
    end = ' marker-end="url(#head)"' if direction != "out" else ""
    words = text.split(" ", 1)
    texts = "".join(f'<text x="45" y="{y - 4 + 17 * i}">{word}</text>' for i, word in enumerate(words))
    return f'<g class="outside">{texts}<path class="outside"{start}{end} d="M92 {y} H148"/></g>'
