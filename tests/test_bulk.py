"""Many inputs at once get the answers that each gets alone, whatever the variant."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from bentos.model_store import VARIANTS, Entry, load_entry
from bentos.runner import load_sound
from bentos.shadow import shadow_scores
from tests.tiny import tiny_splits
from train.bulk import BulkModel, Inputs, length_sorted_batches

TEXTS: list[str] = [
    f"{'so ' * (i % 17)}{text}" for i, text in enumerate(tiny_splits(("negative", "positive")).test.texts)
]
# int8 takes its scales from all that is in a call, so an answer depends a little on its neighbours
WITHIN = {"onnx-int8": 0.05, "onnx": 1e-6, "torch": 1e-6}


def ignore(rows: int, tokens: int) -> None:
    """Nobody looks at the progress."""


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_answers_are_those_of_one_input_at_a_time(variant: str, store: Path) -> None:
    loaded = load_sound(load_entry(f"sample-reviews-{variant}:tiny"))
    pieces = [(0, TEXTS[:50]), (1, TEXTS[50:])]
    tables = dict(BulkModel(loaded, lanes=2).answers(pieces, ignore))
    scores = pa.concat_tables([tables[0], tables[1]]).select(
        [f"score_{label}" for label in loaded.entry.task.labels]
    )
    found = np.stack([column.to_numpy() for column in scores.columns], axis=1)
    np.testing.assert_allclose(found, shadow_scores(loaded, TEXTS), rtol=0, atol=WITHIN[variant])


def test_label_and_score_are_those_of_the_best_label(entry: Entry) -> None:
    ((_, table),) = BulkModel(load_sound(entry), 1).answers([(0, TEXTS)], ignore)
    for row in table.to_pylist():
        scores = {label: row[f"score_{label}"] for label in entry.task.labels}
        assert row["label"] == max(scores, key=scores.__getitem__)
        assert row["score"] == max(scores.values())
        assert row["model_tag"] == entry.tag


def test_inputs_with_nothing_to_read_get_nulls_and_disturb_nobody(entry: Entry) -> None:
    inputs: Inputs = [None, TEXTS[0], "\0", TEXTS[1], None]
    ((_, table),) = BulkModel(load_sound(entry), 1).answers([(0, inputs)], ignore)
    ((_, alone),) = BulkModel(load_sound(entry), 1).answers([(0, TEXTS[:2])], ignore)
    assert table.take([1, 3]).equals(alone)
    unread = table.take([0, 2, 4]).drop_columns("model_tag")
    assert all(column.null_count == 3 for column in unread.columns)


def test_an_input_longer_than_the_model_reads_is_said_to_be_cut(entry: Entry) -> None:
    ((_, table),) = BulkModel(load_sound(entry), 1).answers([(0, ["good " * 100, "good"])], ignore)
    assert table["truncated"].to_pylist() == [True, False]


def test_progress_counts_every_row_and_every_token(entry: Entry) -> None:
    done: list[tuple[int, int]] = []
    loaded = load_sound(entry)
    list(
        BulkModel(loaded, 2).answers([(0, [*TEXTS, None])], lambda rows, tokens: done.append((rows, tokens)))
    )
    rows, tokens = map(sum, zip(*done, strict=True))
    assert rows == len(TEXTS) + 1
    assert tokens == sum(item.n_tokens for item in loaded.preprocess(TEXTS))


def test_batches_hold_every_row_once_within_the_budget() -> None:
    lengths = np.random.default_rng(2).integers(1, 300, 500).tolist()
    batches = length_sorted_batches(lengths, 1024)
    assert sorted(i for batch in batches for i in batch) == list(range(500))
    assert all(len(batch) * max(lengths[i] for i in batch) <= 1024 for batch in batches)
