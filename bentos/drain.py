"""Leaving without losing a request: what a worker of `bentoml serve` does between SIGTERM and its end.

A worker is a uvicorn server, which stops accepting the moment SIGTERM comes. A load balancer learns of that
later, from a health check, and until then it sends requests to a closed port.
"""

import asyncio
import ctypes
import logging
import os
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator

from bentos.incoming import App, Message, Receive, Scope, Send

POLL = 0.1  # seconds
SETTLE = 0.5  # seconds for connections that are being made when the door closes, and for their requests
TURNS = 5  # of the event loop after that: one that was held up sees to its timers before its sockets
INTERNET = (socket.AF_INET, socket.AF_INET6)
SO_ATTACH_FILTER = 26  # asm-generic/socket.h; Python's socket module has no name for it
DROP_NEW = (  # classic BPF over the TCP header, as (code, jump if true, jump if false, value)
    (0x30, 0, 0, 13),  # load the byte of the flags
    (0x54, 0, 0, 0x12),  # keep SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN alone, the start of a connection?
    (0x06, 0, 0, 0),  # then drop the packet
    (0x06, 0, 0, 0xFFFF_FFFF),  # else take it whole
)

log = logging.getLogger("bentoml.touchstone")


class Drain:
    """On SIGTERM says so at once, goes on for `seconds`, then lets the server end in its own way.

    The way of uvicorn: accept no more, finish what is in flight, run the shutdown hooks. It begins when
    `may_leave()` is true, or `patience` seconds after the drain time at the latest. More SIGTERMs change
    nothing; SIGINT is left to the server, which ends at once. `is_last()` tells whether nobody will take
    over the server's listening socket: then new connections are turned away before it is closed.
    """

    def __init__(
        self,
        seconds: float,
        may_leave: Callable[[], bool] = lambda: True,
        patience: float = 0.0,
        is_last: Callable[[], bool] = lambda: False,
    ) -> None:
        self.draining = False
        self.port: int | None = None  # where requests come in, once one has
        self._seconds, self._may_leave, self._patience = seconds, may_leave, patience
        self._is_last = is_last
        self._handler: signal._HANDLER = signal.SIG_DFL
        self._task: asyncio.Task[None] | None = None

    def install(self) -> None:
        """Take SIGTERM over from the server; to be called in the server's event loop.

        Outside the main thread, as in a test client, there are no signals to take over.
        """
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.getsignal(signal.SIGTERM)
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._begin)

    def _begin(self) -> None:
        if not self.draining:
            self.draining = True
            log.info("SIGTERM: not ready from now on; the drain time is %g s", self._seconds)
            self._task = asyncio.create_task(self._leave())

    async def _leave(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._seconds + self._patience
        try:
            await asyncio.sleep(self._seconds)
            while not self._may_leave() and loop.time() < end:
                await asyncio.sleep(POLL)
            if self.port and self._is_last():
                turn_away(self.port)
                await asyncio.sleep(SETTLE)
                for _ in range(TURNS):
                    await asyncio.sleep(0)
        finally:
            loop.remove_signal_handler(signal.SIGTERM)
            signal.signal(signal.SIGTERM, self._handler)
            signal.raise_signal(signal.SIGTERM)


class CloseConnections:
    """ASGI middleware: while draining, every answer tells the client to connect anew for its next request."""

    def __init__(self, app: App, drain: Drain) -> None:
        self._app, self._drain = app, drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if server := scope.get("server"):
            self._drain.port = server[1]

        async def closing(message: Message) -> None:
            if self._drain.draining and message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (b"connection", b"close")]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, closing)


def turn_away(port: int) -> None:
    """Let the kernel drop attempts to connect to the port (on Linux; elsewhere nothing is done).

    The supervisor holds the listening socket open until the worker has gone. What connects meanwhile would
    be queued for nobody and reset, requests and all. A dropped attempt is made again by the client's kernel
    a second later, and refused then: no request is lost in it.
    """
    if sys.platform == "linux":
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in DROP_NEW))
        program = struct.pack("HP", len(DROP_NEW), ctypes.addressof(code))
        for listener in listeners(port):
            listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


def listeners(port: int) -> Iterator[socket.socket]:
    """The sockets on which this process listens at the port, each open for one step of the iteration."""
    for fd in os.listdir("/proc/self/fd"):
        try:
            candidate = socket.socket(fileno=os.dup(int(fd)))
        except OSError:  # no socket, or the folder's own descriptor
            continue
        with candidate:
            listens = candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if listens and candidate.family in INTERNET and candidate.getsockname()[1] == port:
                yield candidate
