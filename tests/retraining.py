"""A task that is trained in two seconds, its answers with labels, and what the monitor says of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from bentos.log_files import utc_text
from bentos.log_reader import Row
from bentos.task import Task, load_task
from tests.labelled import LABELS, write
from tests.log_writing import NOON, writer

OLD = {"negative": ("bad", "dull", "weak"), "positive": ("good", "great", "fine")}
NEW = {"negative": ("meh", "cringe", "mid"), "positive": ("lit", "goated", "based")}
TURNED = {"negative": OLD["positive"], "positive": OLD["negative"]}  # the same words mean the contrary
PLACES = ("at home", "on the train", "in bed", "at work", "in the garden", "by the sea")
ASPECTS = ("game", "music", "story", "combat", "ending", "map", "voice")
TRAINING = {"num_train_epochs": 6, "learning_rate": 4.0e-3, "per_device_train_batch_size": 16, "seed": 1}
SHAPE = {"dim": 32, "hidden_dim": 64, "n_layers": 1, "n_heads": 2, "vocab_size": 300}
SHAPE |= {"max_position_embeddings": 32, "initializer_range": 0.2, "dropout": 0.0, "attention_dropout": 0.0}


def texts(words: Mapping[str, tuple[str, ...]], author: str) -> list[tuple[str, str]]:
    """252 different (text, label), the classes in turn; no author has a text of another's."""
    pairs = list(product(PLACES, ASPECTS, range(3)))
    return [
        (f"{author} {place}: the {aspect} is {words[label][word]}", label)
        for place, aspect, word in pairs
        for label in LABELS
    ]


@dataclass(frozen=True)
class Place:
    """The folders and the task file of one test."""

    folder: Path
    name: str

    @property
    def task_file(self) -> Path:
        return self.folder / f"{self.name}.yaml"

    @property
    def log(self) -> Path:
        return self.folder / "logs" / self.name

    @property
    def task(self) -> Task:
        return load_task(self.task_file)

    def arguments(self, *more: str) -> list[str]:
        roots = {"--runs": "runs", "--logs": "logs", "--reports": "reports"}
        options = [part for name, root in roots.items() for part in (name, str(self.folder / root))]
        return [str(self.task_file), *options, *more]

    def reports(self) -> list[dict[str, Any]]:
        """Each `retrain.json`."""
        return [json.loads(path.read_text()) for path in (self.folder / "runs").rglob("retrain.json")]


def make_place(folder: Path, name: str, **values: Any) -> Place:
    """A task file whose old data are by Ann."""
    place = Place(folder, name)
    data = [{"text": text, "label": label} for text, label in texts(OLD, "Ann")]
    task = {"name": name, "labels": list(LABELS), "model_type": "distilbert", "config_overrides": SHAPE}
    task |= {"max_seq_length": 32, "train_file": write(folder / "old.jsonl", data), "training": TRAINING}
    place.task_file.write_text(yaml.safe_dump({**task, "max_accuracy_loss": 0.1, **values}))
    return place


def answer(
    log: Path, rows: list[tuple[str | None, str]], source: str = "audit", prefix: str = "r", start: int = 0
) -> None:
    """Log a second's answer for each (text or None, true label), and its label an hour later."""
    asked: list[Row] = [
        {"ts": utc_text(NOON + timedelta(seconds=start + i)), "request_id": f"{prefix}{i}", "index": 0}
        for i in range(len(rows))
    ]
    with writer(log, "texts") as file:
        for row, (text, _) in zip(asked, rows, strict=True):
            if text is not None:
                file.write({**row, "text": text})
    later = utc_text(NOON + timedelta(hours=1))
    with writer(log, "feedback") as file:
        for row, (_, label) in zip(asked, rows, strict=True):
            file.write({**row, "ts": later, "label": label, "source": source})


def leave_result(
    place: Place, verdict: str, tag: str, window: str = "20261121T000000Z_20261122T000000Z"
) -> Path:
    """Leave the monitor's `result.json` of a window."""
    folder = place.folder / "reports" / place.name / window
    folder.mkdir(parents=True)
    result = {"schema_version": 1, "task": place.name, "model_tag": tag, "verdict": verdict}
    (folder / "result.json").write_text(json.dumps(result))
    return folder / "result.json"
