"""Figures as SVG for a page: in its colours, light or dark, and allowed by a strict Content-Security-Policy.

Such a policy forbids style attributes, so what matplotlib writes into them become attributes of their own.
"""

import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.figure import Figure

WIDTH, HEIGHT = 420, 250  # units of the drawing: about the pixels of a phone
NAMES = ("ink", "soft", "line", "ok", "watch", "bad", "one", "two", "three", "four")
# By variable of the page, the colour that stands for it in the drawing and is replaced by it.
COLOURS = {name: f"#0000{i:02x}" for i, name in enumerate(NAMES, 1)}
VARIABLES = {colour: f"var(--{name})" for name, colour in COLOURS.items()}
SETTINGS: dict[Any, Any] = {  # matplotlib spells every name out in its type
    "svg.fonttype": "none",
    "text.parse_math": False,  # a label may hold a dollar sign
    "font.size": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.2,
    "legend.borderpad": 0,
    "lines.markersize": 3.5,
    "text.color": COLOURS["ink"],
    "axes.labelcolor": COLOURS["ink"],
    "axes.edgecolor": COLOURS["soft"],
    "xtick.color": COLOURS["soft"],
    "ytick.color": COLOURS["soft"],
    "xtick.labelcolor": COLOURS["ink"],
    "ytick.labelcolor": COLOURS["ink"],
    "grid.color": COLOURS["line"],
}


@contextmanager
def drawing(name: str) -> Iterator[Figure]:
    """A figure to draw on; the ids in it depend on its name and on what is drawn, nothing else."""
    with matplotlib.rc_context(SETTINGS | {"svg.hashsalt": name}):
        yield Figure(figsize=(WIDTH / 72, HEIGHT / 72), layout="constrained")


def svg(figure: Figure, title: str) -> str:
    """The drawing without prolog, metadata and style attributes; the same bytes for the same figures."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    root = ET.fromstring(buffer.getvalue())
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("}metadata", "}style")):
                parent.remove(child)
    for element in root.iter():
        _flatten(element)
    root.attrib = {"viewBox": root.get("viewBox", ""), "role": "img", "aria-label": title}
    return ET.tostring(root, encoding="unicode")


def _flatten(element: ET.Element) -> None:
    """No namespaces, no style: what was in it are attributes, and the page's own font."""
    element.tag = element.tag.rpartition("}")[2]
    declarations = [one.partition(":") for one in element.attrib.pop("style", "").split(";") if one.strip()]
    element.attrib |= {name.strip(): value.strip() for name, _, value in declarations}
    element.attrib.pop("font-family", None)
    if element.tag == "g":
        element.attrib.pop("id", None)
    element.attrib = {name.rpartition("}")[2]: VARIABLES.get(value, value) for name, value in element.items()}
