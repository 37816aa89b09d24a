"""How far a long run has come, how fast it is, and how long it will take: a line at the terminal."""

import sys
import time
from threading import Lock
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class Meter:
    """Counts rows and tokens, from any thread; shows them where standard error is a terminal."""

    def __init__(self, n_rows: int) -> None:
        self.rows = self.tokens = 0  # of this run
        self._lock, self._started = Lock(), time.monotonic()
        self._progress = Progress(
            BarColumn(),
            TextColumn("{task.completed:,.0f} of {task.total:,} rows"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._progress.add_task("", total=n_rows, rate="")

    @property
    def seconds(self) -> float:
        """Since it was made."""
        return time.monotonic() - self._started

    @property
    def row_rate(self) -> str:
        """Rows a second, from the beginning on."""
        return f"{self.rows / self.seconds:,.0f} rows/s"

    @property
    def rates(self) -> str:
        """Rows and tokens a second."""
        return f"{self.row_rate}, {self.tokens / self.seconds:,.0f} tokens/s"

    def skip(self, rows: int) -> None:
        """Rows that an earlier run has done."""
        self._progress.update(self._task, completed=self._progress.tasks[0].completed + rows)

    def advance(self, rows: int, tokens: int) -> None:
        """Rows done, and the tokens in them."""
        with self._lock:
            self.rows += rows
            self.tokens += tokens
        self._progress.update(self._task, advance=rows, rate=self.row_rate)

    def __enter__(self) -> "Meter":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
