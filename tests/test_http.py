"""The middleware by itself: what only a hand-made connection can show."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import pytest

from bentos.http import Call, DropAbandoned, HttpRules, Reply, Route
from bentos.incoming import App, Message, Receive, Scope, Send

GONE: Message = {"type": "http.disconnect"}


def scope(path: str = "/predict", **headers: str) -> Scope:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": "POST", "path": path, "headers": raw}


def part(body: bytes, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def exchange(app: App, messages: Iterable[Message], request: Scope) -> list[Message]:
    """What the app sends to a client that sends `messages` and then waits."""
    sent: list[Message] = []
    waiting = iter(messages)

    async def receive() -> Message:
        for message in waiting:
            return message
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        await asyncio.wait_for(app(request, receive, send), timeout=10)

    asyncio.run(run())
    return sent


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def fail(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("broken")


async def give_back(call: Call) -> Reply:
    return Reply(call.body)


async def never(call: Call) -> Reply:
    await asyncio.Event().wait()
    raise AssertionError


def rules(app: App = echo, handler: Callable[[Call], Awaitable[Reply]] = give_back) -> HttpRules:
    routes = {("POST", "/predict"): Route(handler, fields=("inputs",))}
    return HttpRules(app, lambda: routes, lambda path, headers: None, max_body_bytes=20, body_timeout=0.05)


def test_a_body_in_parts_arrives_whole() -> None:
    sent = exchange(rules(), [part(b'{"inputs":', more=True), part(b'"a"}')], scope())
    assert sent[1]["body"] == b'{"inputs":"a"}'


def test_a_long_body_is_refused_before_it_has_arrived() -> None:
    sent = exchange(rules(), [part(b" " * 21, more=True)], scope())
    assert sent[0]["status"] == 413


def test_an_announced_long_body_is_not_waited_for() -> None:
    assert exchange(rules(), [], scope(content_length="21"))[0]["status"] == 413


def test_a_body_that_does_not_come_times_out_and_ends_the_connection() -> None:
    sent = exchange(rules(), [part(b"{", more=True)], scope())
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


def test_long_headers_are_refused() -> None:
    assert exchange(rules(), [], scope(cookie="a" * 40_000))[0]["status"] == 431


@pytest.mark.parametrize("messages", [[part(b"{", more=True), GONE], [part(b"{}"), GONE]])
def test_a_client_that_leaves_ends_the_work(messages: list[Message]) -> None:
    assert exchange(rules(handler=never), messages, scope())[0]["status"] == 499


def test_a_failure_is_one_json_object(caplog: pytest.LogCaptureFixture) -> None:
    sent = exchange(rules(fail), [part(b"{}")], scope("/other"))
    assert (sent[0]["status"], sent[1]["body"][:9]) == (500, b'{"error":')
    assert "broken" in caplog.text


def test_work_is_dropped_when_the_client_leaves() -> None:
    ends: list[str] = []

    async def work(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    assert exchange(DropAbandoned(work), [part(b""), GONE], scope()) == []
    assert ends == ["cancelled"]


def test_work_ends_by_itself_while_the_client_waits() -> None:
    assert exchange(DropAbandoned(echo), [part(b"a")], scope())[1]["body"] == b"a"


def test_a_failure_passes_through() -> None:
    with pytest.raises(RuntimeError, match="broken"):
        exchange(DropAbandoned(fail), [part(b"")], scope())
