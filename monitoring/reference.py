"""What the windows of a model are compared with: the held-out rows that its store entry remembers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np

from bentos.postprocess import Interval
from bentos.request_log import Row
from bentos.task import Task
from monitoring.columns import Columns
from monitoring.contract import faults_of
from monitoring.drift import Baseline
from monitoring.reading import Scope, part_of_rows
from monitoring.tally import Key, Part, Tally, tally_part
from monitoring.windows import Window


@dataclass(frozen=True)
class Reference:
    """Rows in the form of the request log plus `true_label`."""

    tag: str
    task: Task  # as trained
    rows: Sequence[Row]
    folder: Path | None = None  # of the store entry, where it is at hand: windows can be explained then
    interval: Interval | None = None  # of a regression's answers

    @cached_property
    def part(self) -> Part:
        """The rows as arrays."""
        return part_of_rows(self.rows, np.zeros(len(self.rows), np.int64), self.task)

    @property
    def columns(self) -> Columns:
        return self.part.columns

    @cached_property
    def baseline(self) -> Baseline:
        return Baseline(self.columns, self.task.labels)

    @cached_property
    def tally(self) -> Tally:
        """The rows as if they were a window."""
        found = tally_part(self.part, self.tag, self.baseline.bins)
        return replace(found, faults=faults_of(self.rows, self.task))

    def scope(self, window: Window, labelled: Iterable[Key], now: datetime | None = None) -> Scope:
        """What to count of a log; `now` for the newest window."""
        return Scope(self.tag, self.task, self.baseline.bins, window, frozenset(labelled), now)
