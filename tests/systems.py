"""Tiny systems of each kind: small data, a model trained in seconds, held-out rows with their truth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from bentos.task import Task, load_task
from tests.labelled import write
from tests.ratings import books, ratings
from tests.retraining import SHAPE, TRAINING
from train.book_ratings import main as make_pairs
from train.data import load_splits
from train.export import TRUTHS

ASPECTS = ("art", "music", "story")
PLACES = ("at home", "on the train", "in bed", "at work", "in the garden", "by the sea")


@dataclass(frozen=True)
class System:
    """What a test needs to train a system, to ask it, and to tell it the truth."""

    path: str  # of the task, or its name
    settings: Sequence[str]
    wrong: Callable[[Any], Any]  # another label than the given one

    @property
    def task(self) -> Task:
        return load_task(self.path, self.settings)

    @property
    def arguments(self) -> list[str]:
        """For `python -m train`."""
        return [self.path, *(part for one in self.settings for part in ("--set", one))]

    def held_out(self) -> list[tuple[Any, Any]]:
        """Inputs of requests with their labels as feedback gives them."""
        test = load_splits(self.task).test
        truth = TRUTHS[self.task.problem_type]
        return [
            (as_input(text), truth(label, self.task))
            for text, label in zip(test.texts, test.labels, strict=True)
        ]


def as_input(text: str | tuple[str, str]) -> Any:
    """As a request gives it."""
    return text if isinstance(text, str) else dict(zip(("text", "text_pair"), text, strict=True))


def book_ratings(folder: Path) -> System:
    """The bundled task on made-up ratings."""
    files = [folder / f"{name}.parquet" for name in ("ratings", "books", "pairs")]
    ratings().to_parquet(files[0])
    books().to_parquet(files[1])
    assert make_pairs([str(file) for file in files]) == 0
    shape = {**SHAPE, "vocab_size": 400, "max_position_embeddings": 64}
    settings = [f"train_file={files[2]}", "model_name_or_path=null", "model_type=distilbert"]
    settings += [
        f"config_overrides={shape}",
        "max_seq_length=64",
        f"training={TRAINING}",
        "training.num_train_epochs=3",
    ]
    return System("book-ratings", [*settings, "max_accuracy_loss=0.1"], lambda rating: 12 - rating)


def praised_aspects(folder: Path) -> System:
    """Several labels: what a review praises."""
    rows = []
    for place, (bits, i) in product(PLACES, product(product((0, 1), repeat=3), range(5))):
        labels = [aspect for aspect, is_on in zip(ASPECTS, bits, strict=True) if is_on]
        rows.append({"text": f"{place}: great {' and '.join(labels) or 'nothing'}, {i}", "label": labels})
    keys = {"name": "praised-aspects", "problem_type": "multi_label_classification", "labels": list(ASPECTS)}
    model = {
        "model_type": "distilbert",
        "config_overrides": SHAPE,
        "max_seq_length": 32,
        "max_accuracy_loss": 0.1,
    }
    data = {"train_file": write(folder / "rows.jsonl", rows), "test_split_percentage": 40}
    path = folder / "praised-aspects.yaml"
    path.write_text(
        yaml.safe_dump({**keys, **model, **data, "training": {**TRAINING, "num_train_epochs": 15}})
    )
    return System(str(path), [], lambda labels: [a for a in ASPECTS if a not in labels])


SYSTEMS: dict[str, Callable[[Path], System]] = {
    "book-ratings": book_ratings,
    "praised-aspects": praised_aspects,
}
