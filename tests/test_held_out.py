"""Labelled rows on their two sides: what is learned from, and what is compared on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.labelled import load, rows, task_of
from train.data import DataError, Split, Splits
from train.held_out import LEAST, Divided, LearnedUntil, divide, with_added
from train.splits import Row, text_key
from train.values import moment_text

START = datetime(2026, 11, 21, tzinfo=UTC)
TASK = task_of()


@pytest.fixture
def old(tmp_path: Path) -> Splits:
    return load(tmp_path, rows())


def labelled(n: int, source: str = "audit", text: str = "New text") -> list[Row]:
    """A row a minute, each of another text."""
    texts = [f"{text} {i}" for i in range(n)]
    return [Row(t, i % 2, START + timedelta(minutes=i), source, text_key(t)) for i, t in enumerate(texts)]


def says(row: Row, text: str) -> Row:
    return row._replace(text=text, key=text_key(text))


def divided(rows: list[Row], old: Splits, learned_until: LearnedUntil | None = None) -> Divided:
    return divide(rows, old, learned_until or {}, TASK)


def keys(split: Split) -> set[int]:
    return set(map(text_key, split.texts))


def test_the_newest_half_of_the_audit_is_not_learned_from(old: Splits) -> None:
    audit, user = labelled(60), labelled(30, "user", "Complaint")
    found = divided([*user, *audit[::-1]], old)
    assert found.source == "audit"
    assert found.newest.texts == [row.text for row in audit[30:]]
    assert set(found.added.texts) == {row.text for row in (*user, *audit[:30])}
    train = with_added(old, found.added).train
    assert len(train.texts) == len(old.train.texts) + 60
    assert not keys(train) & keys(found.newest)


def test_users_labels_compare_only_where_the_audit_is_too_small(old: Splits) -> None:
    audit, user = labelled(2 * LEAST - 2), labelled(50, "user", "Complaint")
    found = divided([*audit, *user], old)
    assert (found.source, len(found.newest.texts)) == ("user", 25)
    assert len(found.added.texts) == len(audit) + 25


def test_too_few_of_both_are_told_with_their_numbers(old: Splits) -> None:
    with pytest.raises(DataError, match=r"38 audit labels with a text \(19\), 0 user labels.*audit t --n"):
        divided(labelled(2 * LEAST - 2), old)


def test_texts_of_the_old_test_and_validation_splits_are_not_learned_from(old: Splits) -> None:
    new = labelled(60)
    new[0] = says(new[0], f"{str(old.test.texts[0]).upper()} !")
    new[1] = says(new[1], str(old.validation.texts[0]))
    found = divided(new, old)
    assert not keys(with_added(old, found.added).train) & (keys(old.test) | keys(old.validation))
    assert len(found.added.texts) == 28
    assert found.left_out == {"text_in_test_or_validation": 2, "text_among_the_newest": 0}


def test_a_text_that_both_versions_have_learned_compares_nothing(old: Splits) -> None:
    new = labelled(60)
    new[59] = says(new[59], str(old.train.texts[0]).upper())
    found = divided(new, old)
    assert len(found.newest.texts) == 29
    assert new[59].text in found.added.texts


def test_an_equal_text_counts_once_and_is_on_one_side(old: Splits) -> None:
    new = labelled(60)
    new[40], new[3] = says(new[40], str(new[59].text).upper()), says(new[3], str(new[59].text))
    found = divided(new, old)
    assert new[59].text in found.newest.texts
    assert len(found.newest.texts) == 29
    assert new[3].text not in found.added.texts
    assert found.left_out["text_among_the_newest"] == 2


def test_what_the_served_version_learned_compares_nothing(old: Splits) -> None:
    first = divided(labelled(60), old)
    assert first.learned_until == {"audit": moment_text(START + timedelta(minutes=29)), "user": None}
    again = divided(labelled(60), old, first.learned_until)
    assert again.newest == first.newest
    later = divided(labelled(60), old, {"audit": moment_text(START + timedelta(minutes=35))})
    assert later.newest.texts == first.newest.texts[6:]


def test_the_validation_and_test_splits_stay(old: Splits) -> None:
    added = divided(labelled(60), old).added
    new = with_added(old, added)
    assert (new.validation, new.test) == (old.validation, old.test)
    assert new.sha256 != old.sha256
    assert new.report["labelled_rows_added"] == 30


def test_nothing_new_to_learn_is_an_error(old: Splits) -> None:
    new = labelled(60)
    new[:30] = [says(row, str(old.test.texts[0])) for row in new[:30]]
    with pytest.raises(DataError, match="nothing new to learn"):
        divided(new, old)
