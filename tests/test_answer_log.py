"""What a process notes of its answers: the row, and the text only where the task asks for it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bentos.answer_log import AnswerLog
from bentos.model_store import Entry
from bentos.preprocess import TextPreprocess
from bentos.request_log import read_log

SCORES = np.array([[0.2, 0.8], [0.6, 0.4]])
TEXTS = ["The game is great.", "Mail me: a@example.com"]


def answered(entry: Entry, folder: Path, log_inputs: Any) -> None:
    """Two answers noted, and the log closed."""
    monitoring = replace(entry.task.monitoring, log_inputs=log_inputs)
    entry = replace(entry, task=replace(entry.task, monitoring=monitoring))
    log = AnswerLog(folder, monitoring)
    encoded = TextPreprocess(entry.path, entry.task)(TEXTS)
    log.record(entry, "r", 1.5, TEXTS, encoded, SCORES, {"app": "730"}, first_index=3)
    log.close()


@pytest.mark.parametrize(
    ("log_inputs", "texts"),
    [
        ("none", []),
        ("hash", []),
        ("redacted", ["The game is great.", "Mail me: [email]"]),
        ("full", TEXTS),
    ],
)
def test_a_row_has_its_tags_and_the_text_is_kept_apart_if_at_all(
    entry: Entry, tmp_path: Path, log_inputs: str, texts: list[str]
) -> None:
    answered(entry, tmp_path, log_inputs)
    rows = read_log(tmp_path).rows
    assert [(row["request_id"], row["index"], row["label"]) for row in rows] == [
        ("r", 3, "positive"),
        ("r", 4, "negative"),
    ]
    assert [row["tags"] for row in rows] == [{"app": "730"}] * 2
    kept = read_log(tmp_path, "texts").rows
    assert [row["text"] for row in kept] == texts
    assert [row["index"] for row in kept] == [3, 4][: len(texts)]
