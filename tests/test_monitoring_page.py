"""The page of a task: what it tells, and that it holds nothing that runs or is loaded."""

import base64
import hashlib
import re
from datetime import timedelta
from html.parser import HTMLParser

from monitoring.history import Record
from monitoring.incidents import Incident
from monitoring.page import LISTED, render
from tests.monitoring_records import labelled, make_record


class Page(HTMLParser):
    """The texts by element, the links, and every element with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] != "style":
            self.text += data

    def links(self) -> list[str]:
        return [str(attributes["href"]) for tag, attributes in self.elements if tag == "a"]


def page(*records: Record, incident: Incident | None = None) -> Page:
    return Page(render(records, incident))


def test_verdict_window_moves_and_incident_come_first() -> None:
    opened = make_record(3, "DRIFT", flagged=True)
    head = page(make_record(2), opened, incident=Incident(4, "DRIFT", opened.window, None)).text
    head = head[: head.index("Verdicts")]
    for told in (
        "In words: DRIFT.",
        "2026-11-16 03:00 to 04:00, 300 rows",
        "2026-11-16 04:01",
        "length in characters 0.25",
        "open: No. 4 (DRIFT), since 2026-11-16 03:00",
    ):
        assert told in head


def test_no_incident_and_a_closed_one_are_told() -> None:
    first, last = make_record(0, "CONTRACT"), make_record(1)
    assert "none so far" in page(last).text
    closed = Incident(2, "CONTRACT", first.window, last.window)
    told = "none open; No. 2 (CONTRACT) ended with the window of 2026-11-16 01:00"
    assert told in page(last, incident=closed).text
    assert "nothing beyond chance" in page(last).text


def test_windows_lead_to_their_report_or_result() -> None:
    links = page(make_record(0, report="report.html"), make_record(1)).links()
    assert links == [
        "20261116T010000Z_20261116T020000Z/result.json",
        "20261116T000000Z_20261116T010000Z/report.html",
    ]


def test_the_table_has_the_newest_windows() -> None:
    links = page(*(make_record(i) for i in range(LISTED + 2))).links()
    assert len(links) == LISTED
    assert links[0].startswith("20261118T010000Z")


def test_late_rows_and_accuracy_are_in_the_table() -> None:
    text = page(make_record(0, late_rows=12, performance=labelled(0.875))).text
    assert "300 (12 late)" in text
    assert "0.875" in text


def test_nothing_runs_and_nothing_is_loaded() -> None:
    found = page(*(make_record(i, performance=labelled(0.9)) for i in range(3)))
    assert not [
        tag for tag, _ in found.elements if tag in ("script", "link", "img", "iframe", "base", "image")
    ]
    names = [(name, value) for _, attributes in found.elements for name, value in attributes.items()]
    assert not [name for name, _ in names if name == "style" or name.startswith("on") or name == "src"]
    assert not [value for _, value in names if value and "//" in value]


def test_the_policy_allows_its_own_style_alone() -> None:
    html = render([make_record(0)], None)
    style = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'"
    assert len(style) == 1
    assert f'content="{policy}"' in html


def test_everything_is_escaped() -> None:
    hostile = "<script>alert('\"&')</script>"
    drift = [{"column": f"probs[{hostile}]", "distance": 0.3, "p": 0.0, "drifted": True}]
    record = make_record(0, task=hostile, verdict=hostile, summary=hostile, drift=drift, report=None)
    named = Record(record.window, hostile, record.counted_at, 0, record.result)
    html = render([named], Incident(1, hostile, record.window, None))
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 6


def test_the_same_history_gives_the_same_bytes() -> None:
    records = [make_record(i, verdict) for i, verdict in enumerate(("OK", "WATCH", "DRIFT"))]
    assert render(records, None) == render(records, None)


def test_both_days_of_a_window_over_midnight_are_told() -> None:
    assert "2026-11-16 23:00 to 2026-11-17 00:00" in page(make_record(23)).text
    assert make_record(23).window.length == timedelta(hours=1)
