"""The data contract: what a log row must hold before any statistic of it means something."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bentos.request_log import Row
from bentos.task import Task
from monitoring.columns import NUMBERS, number_fault, probs_fault
from monitoring.tally import Faults, Tally

MAX_SHARE = 0.05  # of the rows may be without a usable value in a column, beyond what the reference has
MAX_STRAY = 0.01  # of the lines may be unreadable, or have a broken clock: a kill tears single ones
LISTED = 5  # labels or tags in a message
NONE: Counter[str] = Counter()

Check = Callable[[Any], str | None]


@dataclass(frozen=True)
class Fault:
    """One broken promise, told for a person."""

    column: str
    message: str


def check_log(tally: Tally) -> list[Fault]:
    """Faults of the log as a whole, whichever model wrote it."""
    faults, logged = [], tally.logged.total()
    for column, count, what in (
        ("ts", tally.future_rows, "rows are dated in the future; set the clock of the machine that serves"),
        ("ts", tally.early_rows, "rows are dated long before their file was begun; was the clock set back?"),
        (
            "",
            tally.unreadable_lines,
            "lines are no log rows (a JSON object with a ts); who else writes here?",
        ),
    ):
        if count > MAX_STRAY * (count + logged):
            faults.append(Fault(column, f"{count:,} beside {logged:,} rows: {what}"))
    return faults


def check_tags(tags: Counter[str], expected: str) -> list[Fault]:
    """A fault when most rows of a window were written by another model than the reference."""
    others = {tag: count for tag, count in tags.most_common() if tag != expected}
    if tags[expected] >= sum(others.values()):
        return []
    seen = _list(f"{count:,} of {tag!r}" for tag, count in others.items())
    message = f"rows {seen}; only {tags[expected]:,} of '{expected}', to which the reference belongs"
    return [Fault("model_tag", f"{message}: choose the entry that served by --version and --variant")]


def check_rows(tally: Tally, reference: Tally, task: Task) -> list[Fault]:
    """Faults of the columns: absent, changed type, too much missing, labels that the task does not have."""
    faults = []
    for column, kinds in tally.faults.items():
        usual = reference.faults.get(column, NONE).total() / max(reference.n_rows, 1)
        if usual < 1 and kinds.total() > (MAX_SHARE + usual) * tally.n_rows:
            faults.append(Fault(column, _tell(kinds, tally.n_rows, usual)))
    return faults + _unseen_labels(tally.labels, task)


def faults_of(rows: Sequence[Row], task: Task) -> Faults:
    """What is wrong with the values of each column, and in how many rows."""
    found = {column: _kinds(rows, column, check) for column, check in _checks(task).items()}
    return {column: kinds for column, kinds in found.items() if kinds}


def _checks(task: Task) -> dict[str, Check]:
    """What each column must hold."""
    columns: dict[str, Check] = {
        "request_id": _type_check(str),
        "index": _type_check(int),
        "label": _type_check(str),
        "score": number_fault,
        "probs": lambda value: probs_fault(value, task),
    }
    return columns | dict.fromkeys(NUMBERS.get(task.pipeline_tag, ()), number_fault)


def _type_check(kind: type) -> Check:
    def check(value: Any) -> str | None:
        if value is None:
            return "missing"
        return None if type(value) is kind else f"of type {type(value).__name__}"

    return check


def _kinds(rows: Sequence[Row], column: str, check: Check) -> Counter[str]:
    """How many rows have which fault in a column."""
    return Counter(fault for row in rows if (fault := check(row.get(column))))


def _tell(kinds: Counter[str], n_rows: int, usual: float) -> str:
    parts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
    return f"{parts}, of {n_rows:,} rows; at most {MAX_SHARE + usual:.0%} may be"


def _unseen_labels(labels: Counter[str], task: Task) -> list[Fault]:
    unseen = {label: count for label, count in sorted(labels.items()) if label not in task.labels}
    if not unseen:
        return []
    seen = _list(f"{label!r} {count:,} times" for label, count in unseen.items())
    return [Fault("label", f"{seen}; the task knows {', '.join(task.labels)}")]


def _list(parts: Iterable[str]) -> str:
    """The first few of them, and how many there are more."""
    found = list(parts)
    more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
    return ", ".join(found[:LISTED]) + more
