"""Incidents: opened once, closed once, whatever is judged again."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from monitoring.incidents import Incident, Incidents
from tests.monitoring_records import DAY, HOUR, START, make_result, window

REPORT = Path("reports/sample-reviews/somewhere/report.html")


def see(incidents: Incidents, i: int, verdict: str, length: timedelta = DAY, tell: bool = True) -> None:
    incidents.see(window(i, length), make_result(verdict), REPORT, tell)


def told(incidents: Incidents) -> list[tuple[str, str, int]]:
    """Event, verdict and incident of each message."""
    bodies = [json.loads(message.body) for message in incidents.undelivered()]
    return [(body["event"], body["verdict"], body["incident"]) for body in bodies]


@pytest.mark.parametrize(
    ("verdicts", "events"),
    [
        (["OK", "WATCH", "INSUFFICIENT"], []),
        (["WATCH", "DRIFT", "PERFORMANCE"], [("incident.opened", "DRIFT", 1)]),
        (["CONTRACT", "INSUFFICIENT", "WATCH"], [("incident.opened", "CONTRACT", 1)]),
        (["PERFORMANCE", "OK", "OK"], [("incident.opened", "PERFORMANCE", 1), ("incident.closed", "OK", 1)]),
        (
            ["DRIFT", "OK", "CONTRACT"],
            [
                ("incident.opened", "DRIFT", 1),
                ("incident.closed", "OK", 1),
                ("incident.opened", "CONTRACT", 2),
            ],
        ),
    ],
)
def test_an_alarm_opens_and_the_next_ok_closes(
    verdicts: list[str], events: list[tuple[str, str, int]], tmp_path: Path
) -> None:
    incidents = Incidents(tmp_path)
    for _ in range(2):  # the second time nothing is told
        for i, verdict in enumerate(verdicts):
            see(incidents, i, verdict)
    assert told(incidents) == events


def test_the_last_incident_says_whether_it_is_open(tmp_path: Path) -> None:
    incidents = Incidents(tmp_path)
    assert incidents.last(DAY) is None
    see(incidents, 1, "DRIFT")
    assert incidents.last(DAY) == Incident(1, "DRIFT", window(1), None)
    see(incidents, 2, "OK")
    assert Incidents(tmp_path).last(DAY) == Incident(1, "DRIFT", window(1), window(2))


def test_windows_before_the_last_change_change_nothing(tmp_path: Path) -> None:
    incidents = Incidents(tmp_path)
    see(incidents, 5, "DRIFT")
    see(incidents, 4, "OK")
    see(incidents, 7, "OK")
    see(incidents, 6, "CONTRACT")
    assert [event for event, *_ in told(incidents)] == ["incident.opened", "incident.closed"]


def test_late_rows_can_take_an_alarm_back(tmp_path: Path) -> None:
    incidents = Incidents(tmp_path)
    see(incidents, 5, "DRIFT")
    see(incidents, 5, "OK")
    assert incidents.last(DAY) == Incident(1, "DRIFT", window(5), window(5))


def test_each_schedule_has_its_own(tmp_path: Path) -> None:
    incidents = Incidents(tmp_path)
    see(incidents, 1, "DRIFT")
    see(incidents, 47, "OK", HOUR)
    assert (incidents.last(DAY) or pytest.fail("none")).closed is None
    assert incidents.last(HOUR) is None


def test_without_a_receiver_nothing_is_left_for_it(tmp_path: Path) -> None:
    incidents = Incidents(tmp_path)
    see(incidents, 1, "DRIFT", tell=False)
    assert incidents.last(DAY) is not None
    assert incidents.undelivered() == []


def test_a_message_says_what_happened_and_goes_once(tmp_path: Path) -> None:
    incidents = Incidents(tmp_path)
    see(incidents, 0, "DRIFT")
    (message,) = incidents.undelivered()
    assert json.loads(message.body) == {
        "event": "incident.opened",
        "task": "sample-reviews",
        "incident": 1,
        "verdict": "DRIFT",
        "window": {"start": START.isoformat(), "end": (START + DAY).isoformat()},
        "summary": "In words: DRIFT.",
        "report": str(REPORT),
    }
    incidents.delivered(message, START)
    assert Incidents(tmp_path).undelivered() == []
