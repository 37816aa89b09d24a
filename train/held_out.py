"""Which of the labelled rows are learned from, and which are kept apart to compare two versions on."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bentos.task import Task
from train.data import Split, Splits, content_hash, make_split
from train.labelled import SOURCES
from train.sources import DataError
from train.splits import Row, text_key
from train.values import moment_text

LEAST = 20  # rows to compare on; of fewer hardly any difference could be told from chance

LearnedUntil = Mapping[str, str | None]  # by source: the moment of the newest label learned from


@dataclass(frozen=True)
class Divided:
    """Labelled rows on their two sides; no text is on both, nor among the old data's other side."""

    added: Split  # to learn from
    newest: Split  # to compare on, of one source
    source: str
    learned_until: LearnedUntil
    left_out: dict[str, int]  # rows on neither side, by reason


def divide(rows: list[Row], old: Splits, learned_until: LearnedUntil, task: Task) -> Divided:
    """Keep the newest half of the audit labels apart, or of the users' where the audit's are too few.

    Rows that the served version has learned, by `learned_until` or by their text in the old data, compare
    nothing, and an equal text counts once: its label is no new evidence. What is learned from has no text of
    the old test and validation splits nor of the newest rows. Raises DataError for too few on either side.
    """
    learned, held = _keys(old.train) | _keys(old.validation), _keys(old.test) | _keys(old.validation)
    newest = {source: newest_half(rows, source, learned_until, learned) for source in SOURCES}
    source = next((source for source in SOURCES if len(newest[source]) >= LEAST), None)
    if source is None:
        raise DataError(too_few(rows, newest, task))
    apart = {row.key for row in newest[source]}
    added = [row for row in rows if row.key not in apart | held]
    if not added:
        raise DataError("All labelled texts stand in the test or validation split: nothing new to learn.")
    return Divided(
        added=make_split(added),
        newest=make_split(newest[source]),
        source=source,
        learned_until={one: _last_moment(row for row in added if row.group == one) for one in SOURCES},
        left_out={
            "text_in_test_or_validation": sum(row.key in held - apart for row in rows),
            "text_among_the_newest": sum(row.key in apart for row in rows) - len(apart),
        },
    )


def newest_half(rows: list[Row], source: str, learned_until: LearnedUntil, learned: set[int]) -> list[Row]:
    """The newer half of a source's rows that no version has learned, the last one of each text."""
    of_source = sorted((row for row in rows if row.group == source), key=_moment)
    after = learned_until.get(source) or ""
    half = [row for row in of_source[len(of_source) // 2 :] if _moment(row) > after]
    return list({row.key: row for row in half if row.key not in learned}.values())


def with_added(old: Splits, added: Split) -> Splits:
    """The old splits with more rows to train on: the validation and test splits stay as they were."""
    train = Split(
        old.train.texts + added.texts,
        old.train.labels + added.labels,
        old.train.timestamps + added.timestamps,
        old.train.users + added.users,
        old.train.items + added.items,
    )
    parts = {"train": train, "validation": old.validation, "test": old.test}
    report = {**old.report, "labelled_rows_added": len(added.texts)}
    return replace(old, train=train, report=report, sha256=content_hash(parts))


def too_few(rows: list[Row], newest: Mapping[str, list[Row]], task: Task) -> str:
    """The sentence for labels of which nothing can be compared."""
    counts = Counter(row.group for row in rows)
    found = ", ".join(f"{counts[one]} {one} labels with a text ({len(newest[one])})" for one in SOURCES)
    return (
        f"Too few labels came back: {found}. In brackets: the newer half without texts that a version has "
        f"learned; {LEAST} of one source are needed to compare on. Draw more: "
        f"python -m monitoring audit {task.name} --n 100"
    )


def _keys(split: Split) -> set[int]:
    return set(map(text_key, split.texts))


def _moment(row: Row) -> str:
    return moment_text(row.timestamp) or ""


def _last_moment(rows: Iterable[Row]) -> str | None:
    return max(map(_moment, rows), default=None)
