"""The system's Firefox by its own protocol, WebDriver BiDi: Playwright wants a newer one than Debian's."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.serving import free_port

COMMAND = shutil.which("firefox-esr") or shutil.which("firefox")
PATIENCE = 60.0  # seconds: the machine may be busy


class Firefox:
    """One tab; `wrong` holds the errors and warnings of its console."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection, self._ids = connection, count(1)
        self.wrong: list[str] = []
        self.ask("session.new", capabilities={})
        self.ask("session.subscribe", events=["log.entryAdded"])
        self._tab = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def ask(self, method: str, **params: Any) -> Any:
        """The result of a command."""
        number = next(self._ids)
        self._connection.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._connection.recv(timeout=PATIENCE))
            if message.get("method") == "log.entryAdded" and message["params"]["level"] in ("error", "warn"):
                self.wrong.append(message["params"]["text"])
            if message.get("id") == number:
                assert message["type"] == "success", message
                return message["result"]

    def go(self, url: str) -> None:
        self.ask("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript gives, if that is a plain value."""
        target = {"context": self._tab}
        done = self.ask("script.evaluate", expression=expression, target=target, awaitPromise=True)
        return done["result"].get("value")

    def until(self, expression: str) -> None:
        """Waits for it to be true."""
        end = time.monotonic() + PATIENCE
        while not self.value(f"Boolean({expression})"):
            assert time.monotonic() < end, f"never: {expression}; {self.wrong}"
            time.sleep(0.05)

    def press(self, keys: str) -> None:
        """On the keyboard, one after the other."""
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        board = {"type": "key", "id": "keyboard", "actions": strokes}
        self.ask("input.performActions", context=self._tab, actions=[board])

    def give(self, selector: str, file: Path) -> None:
        """Choose a file in an input."""
        locator = {"type": "css", "value": selector}
        (node,) = self.ask("browsingContext.locateNodes", context=self._tab, locator=locator)["nodes"]
        element = {"sharedId": node["sharedId"]}
        self.ask("input.setFiles", context=self._tab, element=element, files=[str(file)])


@contextmanager
def firefox(folder: Path) -> Iterator[Firefox]:
    """A headless one with an empty profile in `folder`; skips where the system has none."""
    if COMMAND is None:
        pytest.skip("no firefox-esr on this machine")
    profile, port = folder / "profile", free_port()
    profile.mkdir()
    command = [
        COMMAND,
        "--headless",
        "--no-remote",
        "--profile",
        str(profile),
        "--remote-debugging-port",
        str(port),
    ]
    with (folder / "firefox.txt").open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={"HOME": str(folder), "PATH": "/usr/bin:/bin"}
        )
    try:
        with listening(port, process) as connection:
            yield Firefox(connection)
    finally:
        process.terminate()
        process.wait(timeout=30)


def listening(port: int, process: "subprocess.Popen[bytes]") -> ClientConnection:
    """The connection, once it is there."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            return connect(f"ws://127.0.0.1:{port}/session", max_size=None)
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"Firefox does not listen on port {port}")
