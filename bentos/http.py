"""What holds for every HTTP request: its id, its size, its JSON, and the one form of an error."""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from pydantic_core import from_json

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

REQUEST_ID = re.compile(rb"[!-~]{1,128}")  # what is honoured: printable ASCII without spaces
INTERNAL = "An error of the service, not of the request; the service's log says more."
ROUTES = "POST /predict, POST /feedback, GET /livez, /readyz, /metrics, /docs.json"

log = logging.getLogger("bentoml.touchstone")


class RequestError(Exception):
    """An answer other than 200; the message says what was given and expected, but never the input itself."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class HttpRules:
    """ASGI middleware: settles request ids, checks bodies before BentoML reads them, gives errors one form.

    `fields` are the keys that the JSON object of each POST route may have. BentoML answers malformed bodies
    in other forms and writes parts of them into its log, so they must not come so far.
    """

    def __init__(self, app: App, fields: Mapping[str, Sequence[str]], max_body_bytes: int) -> None:
        self._app, self._fields, self._max_body_bytes = app, fields, max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        answer = Answer(send, settle_request_id(scope), scope["method"])
        try:
            if scope["method"] == "POST" and scope["path"] in self._fields:
                receive = await self._checked(scope, receive)
            await self._app(scope, receive, answer)
        except RequestError as error:
            await answer.fail(error.status, str(error))
        except ClientGone:
            return
        except Exception:
            if scope["path"] == "/readyz":  # what BentoML makes of a runner that is still starting
                return await answer.fail(503, "The runner is not ready.")
            log.exception("%s failed", scope["path"])
            await answer.fail(500, INTERNAL)

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
        """The same request with its body read; raises RequestError 400, 413 or 415."""
        kind = header(scope, b"content-type") or b"application/json"
        if kind.partition(b";")[0].strip().lower() != b"application/json":
            raise RequestError(415, "The Content-Type is not JSON; expected Content-Type: application/json.")
        announced = header(scope, b"content-length")
        if announced.isdigit():
            check_size(int(announced), self._max_body_bytes)
        body = await read_body(receive, self._max_body_bytes)
        check_object(body, self._fields[scope["path"]])
        return replay(body, receive)


class DropAbandoned:
    """ASGI middleware: cancels the work on a POST whose client has gone, so that it leaves the queue."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            return await self._app(scope, receive, send)
        body = await read_body(receive)
        gone = asyncio.ensure_future(receive())  # after the body only one thing can come: the end
        work = asyncio.ensure_future(self._app(scope, replay(body, lambda: asyncio.shield(gone)), send))
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            work.cancel()  # does nothing to work that is done
        await asyncio.wait((work,))
        if not work.cancelled():
            work.result()


class Answer:
    """An ASGI `send` that adds the request id and brings every form of error into ours."""

    def __init__(self, send: Send, request_id: bytes, method: str) -> None:
        self._send, self._request_id, self._method = send, request_id, method
        self._started = False
        self._error: Message | None = None  # the start of an error, held back until its body is known
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] >= 400:
            self._error = message
        elif message["type"] == "http.response.start":
            await self._start(message)
        elif self._error is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                status, headers = self._error["status"], self._error["headers"]
                await self.fail(status, error_text(status, self._body, self._method, headers), headers)

    async def fail(self, status: int, text: str, headers: Headers = ()) -> None:
        """Send an error of ours, unless an answer is under way already."""
        if self._started:
            return
        body = json.dumps({"error": text}).encode()
        kept = [(name, value) for name, value in headers if not name.lower().startswith(b"content-")]
        kept += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await self._start({"type": "http.response.start", "status": status, "headers": kept})
        await self._send({"type": "http.response.body", "body": body})

    async def _start(self, message: Message) -> None:
        self._started = True
        headers = [*message.get("headers", ()), (b"x-request-id", self._request_id)]
        await self._send({**message, "headers": headers})


def error_text(status: int, body: bytes, method: str, headers: Headers) -> str:
    """The text of an error made elsewhere: BentoML's object, its list of one object, or plain text."""
    if status == 404:
        return f"There is no such route; there are {ROUTES}."
    if status == 405:
        allowed = dict(headers).get(b"allow", b"another method").decode()
        return f"The method {method} was given; this route takes {allowed}."
    try:
        value = json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace").strip() or HTTPStatus(status).phrase
    value = value[0] if isinstance(value, list) and value else value
    return str(value["error"]) if isinstance(value, dict) and "error" in value else HTTPStatus(status).phrase


def check_object(body: bytes, fields: Sequence[str]) -> None:
    """Raises RequestError 400 unless the body is a JSON object with no other keys than `fields`."""
    try:
        value = from_json(body)
    except ValueError as error:  # says where, not what
        raise RequestError(400, f"The body is not JSON in UTF-8: {error}.") from None
    expected = f"expected an object with the keys {', '.join(fields)}"
    if not isinstance(value, dict):
        raise RequestError(400, f"The body is not a JSON object; {expected}.")
    if not value.keys() <= set(fields):
        raise RequestError(400, f"The body has an unknown key; {expected}.")


def check_size(n_bytes: int, limit: int) -> None:
    if n_bytes > limit:
        raise RequestError(413, f"The body is larger than {limit:,} bytes; send fewer or shorter inputs.")


async def read_body(receive: Receive, limit: int | None = None) -> bytes:
    """The whole body; raises RequestError 413 when it turns out longer than `limit` bytes, or ClientGone."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if limit is not None:
            check_size(len(body), limit)
    return bytes(body)


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body in one message and then what `receive` gives."""
    messages: Iterable[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def replayed() -> Message:
        for message in messages:
            return message
        return await receive()

    return replayed


def settle_request_id(scope: Scope) -> bytes:
    """The client's X-Request-ID or a new one; the request carries it from here on."""
    given = header(scope, b"x-request-id")
    request_id = given if REQUEST_ID.fullmatch(given) else uuid4().hex.encode()
    others = [(name, value) for name, value in scope["headers"] if name != b"x-request-id"]
    scope["headers"] = [*others, (b"x-request-id", request_id)]
    return request_id


def header(scope: Scope, name: bytes) -> bytes:
    """The first header of that lower-case name; empty when there is none."""
    return next((bytes(value) for key, value in scope["headers"] if key == name), b"")
