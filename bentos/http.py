"""Our routes, answered before BentoML sees them, and the one form of every error."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import uuid4

from pydantic_core import to_json

from bentos.incoming import (
    App,
    ClientGone,
    Headers,
    Message,
    Receive,
    RequestError,
    Scope,
    Send,
    check_announced,
    check_headers,
    encoded,
    header,
    holds_picture,
    json_object,
    read_body,
    replay,
    settle_request_id,
)
from bentos.metrics import count_request
from bentos.tracing import Stage, Tracing

Value = TypeVar("Value")
INTERNAL = "An error of the service, not of the request; the service's log says more."
ROUTES = "POST /predict, POST /feedback, GET /livez, /readyz, /metrics, /docs.json"
PATHS = {"/predict", "/feedback", "/livez", "/readyz", "/metrics", "/docs.json", "/ui"}  # labels of metrics

log = logging.getLogger("bentoml.touchstone")


@dataclass(frozen=True)
class Call:
    """A request to one of our routes: its id, its raw headers, the JSON object of its body, and its query."""

    request_id: str
    headers: Headers
    body: Mapping[str, Any]
    query: str = ""

    @classmethod
    def inside(cls, **body: Any) -> "Call":
        """A call from this very process."""
        return cls(uuid4().hex, (), body)


@dataclass(frozen=True)
class Reply:
    """The answer to a Call: JSON, or bytes as they are."""

    value: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    stages: Sequence[Stage] = ()  # for its span, like `facts`
    facts: Mapping[str, Any] = field(default_factory=dict)
    after: Callable[[], Awaitable[None]] | None = None  # what need not keep the client waiting


@dataclass(frozen=True)
class Route:
    """One of our routes: the keys that its JSON object may have, and who answers.

    `check` is asked before the body is read; it raises RequestError when reading is in vain.
    """

    handler: Callable[[Call], Awaitable[Reply]]
    fields: Sequence[str] = ()
    check: Callable[[], None] = lambda: None
    takes_pictures: bool = False  # also as the whole body: it is the value of the first of `fields` then


Routes = Mapping[tuple[str, str], Route]  # by method and path


class HttpRules:
    """ASGI middleware: answers our routes, and brings whatever BentoML answers into our form.

    Our routes are answered here, before BentoML's own handling of an API method: that costs three times
    more processor time than ours, answers malformed bodies in other forms and logs parts of them.
    `routes` is called for each request, for they exist only when the service has started.
    """

    def __init__(
        self,
        app: App,
        routes: Callable[[], Routes],
        check_key: Callable[[str, Headers], None],
        max_body_bytes: int,
        body_timeout: float,
        tracing: Callable[[], Tracing | None] | None = None,
    ) -> None:
        self._app, self._routes, self._check_key, self._tracing = app, routes, check_key, tracing
        self._max_body_bytes, self._body_timeout = max_body_bytes, body_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        method, path = scope["method"], scope["path"]
        answer = Answer(send, settle_request_id(scope), method, path if path in PATHS else "other")
        started, reply = time.monotonic(), None
        try:
            check_headers(scope["headers"])
            self._check_key(path, scope["headers"])
            routes = self._routes()
            if route := routes.get(("GET" if method == "HEAD" else method, path)):
                reply = await self._reply(route, scope, receive)
                await answer.reply(reply)
                if reply.after:
                    await reply.after()
            elif allowed := ", ".join(m for m, p in routes if p == path):
                raise RequestError(405, wrong_method(method, allowed), {"Allow": allowed})
            else:
                await self._app(scope, receive, answer)
        except RequestError as error:
            await answer.fail(error.status, str(error), encoded(error.headers))
        except ClientGone:
            await answer.fail(499, "The client has gone.")
        except Exception:
            log.exception("%s failed", path)
            await answer.fail(500, INTERNAL)
        finally:
            if self._tracing and method == "POST" and path in PATHS:
                self._trace(scope, answer.status, started, reply or Reply(None))

    def _trace(self, scope: Scope, status: int, started: float, reply: Reply) -> None:
        """Write the span of a request, where tracing is on."""
        if self._tracing and (tracing := self._tracing()):
            tracing.record(scope, status, started, time.monotonic(), reply.stages, reply.facts)

    async def _reply(self, route: Route, scope: Scope, receive: Receive) -> Reply:
        """Read the body, let the route answer, and stop that when the client goes."""
        route.check()
        is_post = scope["method"] == "POST"
        if is_post:
            check_announced(scope, self._max_body_bytes, route.takes_pictures)
        body = await read_body(receive, self._max_body_bytes, self._body_timeout)
        value = read_fields(route, scope, body) if is_post else {}
        query = scope.get("query_string", b"").decode("ascii", "replace")
        call = Call(header(scope, b"x-request-id").decode(), scope["headers"], value, query)
        return await unless_gone(route.handler(call), receive)


def read_fields(route: Route, scope: Scope, body: bytes) -> Mapping[str, Any]:
    """The fields of a POST; raises RequestError 400 for a body that has none."""
    if route.takes_pictures and holds_picture(scope, body):
        return {route.fields[0]: body}
    return json_object(body, route.fields)


class DropAbandoned:
    """ASGI middleware: cancels the work on a POST whose client has gone, so that it leaves the queue."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            return await self._app(scope, receive, send)
        body = await read_body(receive)
        gone = asyncio.ensure_future(receive())  # after the body only one thing can come: the end
        try:
            app = self._app(scope, replay(body, lambda: asyncio.shield(gone)), send)
            await unless_gone(app, lambda: asyncio.shield(gone))
        except ClientGone:
            return
        finally:
            gone.cancel()


async def unless_gone(work: Awaitable[Value], receive: Receive) -> Value:
    """What `work` gives; it is cancelled, and ClientGone raised, when the connection ends before."""
    task = asyncio.current_task()
    assert task is not None
    gone = asyncio.ensure_future(receive())  # after the body only one thing can come: the end
    gone.add_done_callback(lambda future: None if future.cancelled() else task.cancel())
    try:
        return await work
    except asyncio.CancelledError:
        if gone.done() and not gone.cancelled() and task.uncancel() == 0:
            raise ClientGone from None
        raise
    finally:
        gone.cancel()


class Answer:
    """An ASGI `send` that adds the request id, counts, and brings every form of error into ours."""

    def __init__(self, send: Send, request_id: bytes, method: str, route: str) -> None:
        self._send, self._request_id, self._method, self._route = send, request_id, method, route
        self._started, self.status = False, 0
        self._error: Message | None = None  # the start of an error, held back until its body is known
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] >= 400:
            self._error = message
        elif message["type"] == "http.response.start":
            await self._start(message["status"], message.get("headers", ()))
        elif self._error is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                status, headers = self._error["status"], self._error["headers"]
                await self.fail(status, error_text(status, self._body, self._method, headers), headers)

    async def reply(self, reply: Reply) -> None:
        """Send an answer of ours."""
        body = reply.value if isinstance(reply.value, bytes) else to_json(reply.value)
        await self._whole(reply.status, body, encoded(reply.headers), reply.media_type)

    async def fail(self, status: int, text: str, headers: Headers = ()) -> None:
        """Send an error of ours, unless an answer is under way already."""
        if not self._started:
            kept = [(name, value) for name, value in headers if not name.lower().startswith(b"content-")]
            await self._whole(status, to_json({"error": text}), kept, "application/json")

    async def _whole(self, status: int, body: bytes, headers: Headers, media_type: str) -> None:
        content = [(b"content-type", media_type.encode()), (b"content-length", b"%d" % len(body))]
        await self._start(status, [*headers, *content])
        await self._send({"type": "http.response.body", "body": body})

    async def _start(self, status: int, headers: Headers) -> None:
        self._started, self.status = True, status
        count_request(self._route, status)
        headers = [*headers, (b"x-request-id", self._request_id)]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})


def wrong_method(method: str, allowed: str) -> str:
    return f"The method {method} was given; this route takes {allowed}."


def error_text(status: int, body: bytes, method: str, headers: Headers) -> str:
    """The text of an error made elsewhere: BentoML's object, its list of one object, or plain text."""
    if status == 404:
        return f"There is no such route; there are {ROUTES}."
    if status == 405:
        allowed = dict(headers).get(b"allow", b"another method").decode()
        return wrong_method(method, allowed)
    try:
        value = json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace").strip() or HTTPStatus(status).phrase
    value = value[0] if isinstance(value, list) and value else value
    return str(value["error"]) if isinstance(value, dict) and "error" in value else HTTPStatus(status).phrase
