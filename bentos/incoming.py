"""Reading a request: its id, its headers, its body as JSON, each within its limits."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
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
JSON = b"application/json"
MAX_HEADER_BYTES = 32 * 1024


class RequestError(Exception):
    """An answer other than 200; the message says what was given and expected, but never the input itself."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})


class ClientGone(Exception):
    """The client closed the connection before it had its answer."""


def check_headers(headers: Headers) -> None:
    """Raises RequestError 431 for more than MAX_HEADER_BYTES of names and values together."""
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
        raise RequestError(431, f"The headers are larger than {MAX_HEADER_BYTES:,} bytes; send fewer.")


def check_announced(scope: Scope, max_body_bytes: int, takes_pictures: bool = False) -> None:
    """Raises RequestError 415 or 413 for what the headers say of the body."""
    kind = media_type(scope)
    if not (kind in (b"", JSON) or (takes_pictures and is_picture(kind))):
        others = ", image/* or application/octet-stream" if takes_pictures else ""
        raise RequestError(
            415, f"The Content-Type is not JSON; expected Content-Type: application/json{others}."
        )
    announced = header(scope, b"content-length")
    if announced.isdigit():
        check_size(int(announced), max_body_bytes)


def media_type(scope: Scope) -> bytes:
    """That of the body, without its parameters; empty where none is given."""
    return header(scope, b"content-type").partition(b";")[0].strip().lower()


def is_picture(kind: bytes) -> bool:
    """Whether a body of that media type may be a picture."""
    return kind.startswith(b"image/") or kind == b"application/octet-stream"


def holds_picture(scope: Scope, body: bytes) -> bool:
    """Whether the body is a picture rather than JSON; of bytes alone huggingface_hub does not say."""
    kind = media_type(scope)
    return is_picture(kind) or (not kind and not body.lstrip().startswith(b"{"))


def json_object(body: bytes, fields: Sequence[str]) -> dict[str, Any]:
    """The body as an object; raises RequestError 400 when it is none or has other keys than `fields`."""
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:  # says where, not what
        raise RequestError(400, f"The body is not JSON in UTF-8: {error}.") from None
    expected = f"expected an object with the keys {', '.join(fields)}"
    if not isinstance(value, dict):
        raise RequestError(400, f"The body is not a JSON object; {expected}.")
    if not value.keys() <= set(fields):
        raise RequestError(400, f"The body has an unknown key; {expected}.")
    return value


def check_size(n_bytes: int, limit: int) -> None:
    if n_bytes > limit:
        raise RequestError(413, f"The body is larger than {limit:,} bytes; send fewer or shorter inputs.")


async def read_body(receive: Receive, limit: int | None = None, timeout: float | None = None) -> bytes:
    """The whole body.

    Raises RequestError 413 when it turns out longer than `limit` bytes, 408 when it takes longer than
    `timeout` seconds, or ClientGone.
    """
    body, more = bytearray(), True
    try:
        async with asyncio.timeout(timeout):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if limit is not None:
                    check_size(len(body), limit)
    except TimeoutError:
        raise RequestError(
            408, f"The body was not complete after {timeout:g} s; send it faster.", {"Connection": "close"}
        ) from None
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


def encoded(headers: Mapping[str, str]) -> Headers:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def header(scope: Scope, name: bytes) -> bytes:
    """The first header of that lower-case name; empty when there is none."""
    return next((bytes(value) for key, value in scope["headers"] if key == name), b"")
