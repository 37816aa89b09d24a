"""The pictures: there where there are figures, the same bytes each time, harmless in a page."""

import re
import xml.etree.ElementTree as ET

from monitoring.plots import pictures
from tests.monitoring_records import labelled, make_record

LATENCY = {"latency_ms": {"p50": 8.0, "p99": 22.5}}
HOSTILE = 'probs[<b>$\\frac{"x\' style="fill: red"]'


def titles(**changes: object) -> list[str]:
    return [one.title for one in pictures([make_record(i, **changes) for i in range(3)])]


def test_what_has_figures_is_drawn() -> None:
    assert titles() == ["Verdicts", "Distance", "Volume"]
    assert titles(drift=[]) == ["Verdicts", "Volume"]
    assert titles(traffic=LATENCY, performance=labelled(0.9)) == [
        "Verdicts",
        "Distance",
        "Volume",
        "Latency",
        "Accuracy",
    ]


def test_each_says_of_how_much_it_is() -> None:
    records = [
        make_record(0, performance=labelled(0.9)),
        make_record(1),
        make_record(2, "INSUFFICIENT", drift=[]),
    ]
    assert {one.title: one.n for one in pictures(records)} == {
        "Verdicts": "n = 3 windows",
        "Distance": "n = 2 windows",
        "Volume": "n = 3 windows, 900 rows",
        "Accuracy": "n = 1 window, 100 labels",
    }


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter("text")]


def test_axes_and_lines_are_named_with_their_units() -> None:
    records = [make_record(i, traffic=LATENCY, performance=labelled(0.9)) for i in range(3)]
    words = {one.title: texts(one.svg) for one in pictures(records)}
    assert {"share of the rows", "length in characters", "predicted label"} <= {*words["Distance"]}
    assert "smallest that matters" in words["Distance"]
    assert "rows" in words["Volume"]
    assert {"ms", "p50", "p99"} <= {*words["Latency"]}
    assert {"share right", "audit, 95 % limits", "reference"} <= {*words["Accuracy"]}
    assert "OK  3" in words["Verdicts"]


def test_the_same_windows_give_the_same_bytes() -> None:
    records = [make_record(i, verdict) for i, verdict in enumerate(("OK", "WATCH", "DRIFT"))]
    assert pictures(records) == pictures(records)


def test_nothing_in_them_needs_a_policy() -> None:
    column = {"column": HOSTILE, "distance": 0.1, "p": 0.5, "drifted": False}
    for picture in pictures([make_record(i, drift=[column]) for i in range(3)]):
        for element in ET.fromstring(picture.svg).iter():
            assert element.tag in {"svg", "g", "defs", "path", "use", "text", "clipPath", "rect"}
            assert "style" not in element.attrib
            assert all(not value or value.startswith("#") for key, value in element.items() if key == "href")
            assert not [name for name in element.attrib if name.startswith("on")]


def test_a_hostile_name_is_only_text() -> None:
    column = {"column": HOSTILE, "distance": 0.1, "p": 0.5, "drifted": False}
    svg = pictures([make_record(i, drift=[column]) for i in range(3)])[1].svg
    assert "<b>" not in svg
    assert [text for text in texts(svg) if text.startswith("score of <b>$\\frac")]


def test_colours_are_the_pages() -> None:
    for picture in pictures([make_record(0, performance=labelled(0.9), traffic=LATENCY)]):
        assert re.findall(r"#[0-9a-f]{6}\"", picture.svg) == []
        assert "var(--ink)" in picture.svg


def test_ids_of_several_pictures_do_not_meet() -> None:
    drawn = pictures([make_record(i, traffic=LATENCY) for i in range(3)])
    ids = [name for one in drawn for name in re.findall(r'\bid="([^"]+)"', one.svg)]
    assert len(ids) == len(set(ids))


def test_a_gap_between_windows_stays_empty() -> None:
    whole, gap = ([make_record(i) for i in numbers] for numbers in ((0, 1, 2, 3), (0, 3)))
    bars = [next(one.svg for one in pictures(records) if one.title == "Volume") for records in (whole, gap)]
    assert bars[0].count("M ") + 1 == bars[1].count("M ")
