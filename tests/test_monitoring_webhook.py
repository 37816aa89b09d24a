"""Messages to a real receiver on this machine: signed, in order, tried again, never twice after a 2xx."""

import hashlib
import hmac
import json
import time
from pathlib import Path

import pytest

from monitoring.incidents import Incidents
from monitoring.webhook import ATTEMPTS, Webhook, WebhookError, deliver, from_environment
from tests.monitoring_records import make_result, window
from tests.receiver import receiving

SECRET = "not-to-be-shown"


@pytest.fixture
def incidents(tmp_path: Path) -> Incidents:
    """An incident that has opened and closed: two messages wait."""
    found = Incidents(tmp_path)
    for i, verdict in enumerate(("DRIFT", "OK")):
        found.see(window(i), make_result(verdict), Path("report.html"), tell=True)
    return found


def webhook(url: str) -> Webhook:
    return Webhook(url, SECRET.encode(), pause=0.01)


def events(bodies: list[bytes]) -> list[str]:
    return [json.loads(body)["event"].removeprefix("incident.") for body in bodies]


def test_messages_are_signed_and_in_order(incidents: Incidents) -> None:
    with receiving() as receiver:
        assert deliver(incidents, webhook(receiver.url)) is None
    assert events(receiver.bodies) == ["opened", "closed"]
    for body, signature in zip(receiver.bodies, receiver.signatures, strict=True):
        moment, _, digest = signature.removeprefix("t=").partition(",v1=")
        expected = hmac.new(SECRET.encode(), moment.encode() + b"." + body, hashlib.sha256)
        assert digest == expected.hexdigest()
        assert abs(time.time() - int(moment)) < 60


def test_a_receiver_that_fails_first_gets_each_message_once(incidents: Incidents) -> None:
    with receiving(503, 429) as receiver:
        assert deliver(incidents, webhook(receiver.url)) is None
        assert deliver(incidents, webhook(receiver.url)) is None
    assert events(receiver.bodies) == ["opened", "opened", "opened", "closed"]


def test_what_was_not_taken_is_sent_by_the_next_run(incidents: Incidents) -> None:
    with receiving(204, *[500] * ATTEMPTS) as receiver:
        trouble = deliver(incidents, webhook(receiver.url))
        assert trouble == "The webhook at 127.0.0.1 answered 500: 1 to be delivered by the next run."
        assert len(receiver.bodies) == 1 + ATTEMPTS
        assert deliver(incidents, webhook(receiver.url)) is None
    assert events(receiver.bodies[-1:]) == ["closed"]
    assert incidents.undelivered() == []


@pytest.mark.parametrize("status", [400, 302])
def test_a_refusal_is_not_tried_again_at_once(status: int, incidents: Incidents) -> None:
    with receiving(status) as receiver:
        assert f"answered {status}: 2 to be" in str(deliver(incidents, webhook(receiver.url)))
    assert len(receiver.bodies) == 1


def test_a_receiver_that_is_not_there_is_told_without_url_and_secret(incidents: Incidents) -> None:
    with receiving() as receiver:
        url = receiver.url
    trouble = str(deliver(incidents, webhook(url)))
    assert trouble.startswith("The webhook at 127.0.0.1 cannot be reached (ConnectError): 2 to be")
    assert "of-the-url" not in trouble
    assert len(incidents.undelivered()) == 2


def environment(monkeypatch: pytest.MonkeyPatch, url: str, secret: str = SECRET) -> None:
    monkeypatch.setenv("TOUCHSTONE_WEBHOOK_URL", url)
    monkeypatch.setenv("TOUCHSTONE_WEBHOOK_SECRET", secret)


@pytest.mark.parametrize(
    "url", ["https://alerts.example.org/x", "http://127.0.0.1:8080", "http://localhost/a", "http://[::1]:1"]
)
def test_the_environment_names_the_receiver(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, url)
    found = from_environment()
    assert found == Webhook(url, SECRET.encode())
    assert SECRET not in repr(found)
    assert url not in repr(found)


def test_without_a_url_there_is_no_receiver(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, "")
    assert from_environment() is None


@pytest.mark.parametrize(
    "url",
    [
        "http://alerts.example.org/of-the-url",
        "ftp://127.0.0.1",
        "alerts",
        "https://",
        "http://127.0.0.1.example.org",
    ],
)
def test_what_would_go_in_the_clear_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, url)
    with pytest.raises(WebhookError, match="TOUCHSTONE_WEBHOOK_URL is not usable") as caught:
        from_environment()
    assert "of-the-url" not in str(caught.value)


def test_a_url_without_a_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, "https://alerts.example.org", "")
    with pytest.raises(WebhookError, match="but not TOUCHSTONE_WEBHOOK_SECRET"):
        from_environment()
