"""Tells one receiver of incidents: signed, tried again, in order, and kept until it has been taken."""

import hmac
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from monitoring.incidents import Incidents

URL, SECRET = "TOUCHSTONE_WEBHOOK_URL", "TOUCHSTONE_WEBHOOK_SECRET"
TIMEOUT = 10.0  # seconds to connect, and between the parts of an answer
ATTEMPTS = 4


class WebhookError(ValueError):
    """Settings that cannot be used; the message is for the user, and has neither URL nor secret."""


class _Refused(Exception):
    """The receiver did not take a message."""


class _Unwell(_Refused):
    """It may take it a little later."""


@dataclass(frozen=True)
class Webhook:
    """A receiver. Its URL may hold a token, so it is not shown either."""

    url: str = field(repr=False)
    secret: bytes = field(repr=False)
    pause: float = 1.0  # seconds before the second attempt; it doubles

    @property
    def host(self) -> str:
        return httpx.URL(self.url).host


def from_environment() -> Webhook | None:
    """The receiver that the environment names, if any; raises WebhookError."""
    url, secret = os.environ.get(URL), os.environ.get(SECRET)
    if not url:
        return None
    if not _is_safe(url):
        raise WebhookError(f"{URL} is not usable: give an https:// URL, or http:// on this machine.")
    if not secret:
        raise WebhookError(f"{URL} is set, but not {SECRET}: the receiver knows by it that we sent it.")
    return Webhook(url, secret.encode())


def deliver(incidents: Incidents, webhook: Webhook) -> str | None:
    """Send what has not been delivered, the oldest first; why the rest has to wait, where it has to."""
    with httpx.Client(timeout=TIMEOUT) as client:
        for message in incidents.undelivered():
            try:
                _try(client, webhook, message.body.encode())
            except _Refused as error:
                left = len(incidents.undelivered())
                return f"The webhook at {webhook.host} {error}: {left} to be delivered by the next run."
            incidents.delivered(message, datetime.now(UTC))
    return None


def signature(secret: bytes, moment: int, body: bytes) -> str:
    """What `X-Touchstone-Signature` holds: the Unix time, and the HMAC-SHA256 of `<time>.<body>`, in hex."""
    digest = hmac.digest(secret, b"%d.%s" % (moment, body), "sha256")
    return f"t={moment},v1={digest.hex()}"


def _try(client: httpx.Client, webhook: Webhook, body: bytes) -> None:
    """A few times while the receiver is unwell, each longer after the other; raises _Refused."""
    Retrying(
        retry=retry_if_exception_type(_Unwell),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(webhook.pause),
        reraise=True,
    )(_send, client, webhook, body)


def _send(client: httpx.Client, webhook: Webhook, body: bytes) -> None:
    """Once; whatever is in the answer beside its status is left unread."""
    headers = {
        "Content-Type": "application/json",
        "X-Touchstone-Signature": signature(webhook.secret, int(time.time()), body),
    }
    try:
        with client.stream("POST", webhook.url, content=body, headers=headers) as response:
            status = response.status_code
    except httpx.TransportError as error:
        raise _Unwell(f"cannot be reached ({type(error).__name__})") from None
    if status == 429 or status >= 500:
        raise _Unwell(f"answered {status}")
    if not 200 <= status < 300:
        raise _Refused(f"answered {status}")


def _is_safe(url: str) -> bool:
    """What is sent is not for everybody: encrypted, or it does not leave the machine."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    if parsed.scheme == "http":
        return parsed.host == "localhost" or _is_loopback(parsed.host)
    return parsed.scheme == "https" and bool(parsed.host)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
