"""Clients that ask a running service without end, and what became of each request."""

import threading
import time
from dataclasses import dataclass, field
from typing import NamedTuple

import httpx


class Answer(NamedTuple):
    """One request: when it was sent, its status (0 without an answer) and the version that answered."""

    request_id: str
    sent: float
    status: int
    model_tag: str


@dataclass
class Asking:
    """Clients that never repeat a request and take a new connection for each; `name` begins their ids."""

    url: str
    name: str = "client"
    clients: int = 3
    answers: list[Answer] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)

    def run(self, client: int) -> None:
        n = 0
        while not self.ending.wait(0.01):
            n += 1
            self.answers.append(self.ask(f"{self.name}-{client}-{n}"))

    def ask(self, request_id: str) -> Answer:
        sent, headers = time.monotonic(), {"X-Request-ID": request_id}
        try:
            response = httpx.post(
                f"{self.url}/predict", json={"inputs": request_id}, headers=headers, timeout=30
            )
        except httpx.TransportError:
            return Answer(request_id, sent, 0, "")
        return Answer(request_id, sent, response.status_code, response.headers.get("x-model-tag", ""))

    @property
    def failed(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.status != 200]

    def since(self, moment: float) -> int:
        """How many that were sent after it have come to their end."""
        return sum(answer.sent > moment for answer in self.answers)

    def __enter__(self) -> "Asking":
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(self.clients)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        for thread in self.threads:
            thread.join()
