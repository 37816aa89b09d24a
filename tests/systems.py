"""Tiny systems of each kind: small data, a model trained in seconds, held-out rows with their truth."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from bentos.task import Task, load_task
from tests.labelled import write
from tests.pictures import TINY, class_folders
from tests.ratings import books, ratings
from tests.retraining import OLD, SHAPE, TRAINING, texts
from train.book_ratings import main as make_pairs
from train.data import load_splits
from train.export import TRUTHS
from train.pictures import raw

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
            (as_input(raw(given)), truth(label, self.task))
            for given, label in zip(test.texts, test.labels, strict=True)
        ]


def as_input(given: str | tuple[str, str] | bytes) -> Any:
    """As a request gives it."""
    if isinstance(given, bytes):
        return base64.b64encode(given).decode()
    return given if isinstance(given, str) else dict(zip(("text", "text_pair"), given, strict=True))


def other_of(*labels: str) -> Callable[[Any], Any]:
    return dict(zip(labels, reversed(labels), strict=True)).__getitem__


def small(name: str, labels: tuple[str, str], *settings: str) -> System:
    """The bundled task with a model of a second's training."""
    model = ["model_name_or_path=null", "model_type=distilbert", f"config_overrides={SHAPE}"]
    training = ["max_seq_length=32", f"training={TRAINING}", "max_accuracy_loss=0.1"]
    return System(name, [*model, *training, "test_split_percentage=30", *settings], other_of(*labels))


def sample_reviews(folder: Path) -> System:
    """The bundled task on a part of its own corpus, by a smaller model."""
    shape = {"dim": 64, "hidden_dim": 64, "n_layers": 1, "n_heads": 2, "vocab_size": 2000}
    model = [f"config_overrides.{key}={value}" for key, value in shape.items()]
    training = ["max_train_samples=4000", "training.num_train_epochs=6", "max_accuracy_loss=0.1"]
    settings = [*model, "config_overrides.max_position_embeddings=64", "max_seq_length=64", *training]
    return System("sample-reviews", settings, other_of("negative", "positive"))


def steam_reviews(folder: Path) -> System:
    """The bundled task on Steam's own names of columns."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    rows = [
        {
            "review": text,
            "voted_up": label == "positive",
            "timestamp_created": (start + timedelta(i * 101 % 252)).timestamp(),
        }
        for i, (text, label) in enumerate(texts(OLD, "Ann"))
    ]
    names = [
        "text_column_names=review",
        "label_column_name=voted_up",
        "timestamp_column_name=timestamp_created",
    ]
    file = write(folder / "rows.jsonl", rows)
    return small("steam-reviews", ("negative", "positive"), f"train_file={file}", *names)


def imdb_reviews(folder: Path) -> System:
    """The bundled task on files that bring their own split, labels by position."""
    files = []
    for split, author in (("train", "Ann"), ("test", "Bob")):
        rows = [{"text": text, "label": int(label == "positive")} for text, label in texts(OLD, author)]
        files.append(f"{split}_file={write(folder / f'{split}.jsonl', rows)}")
    return small("imdb-reviews", ("negative", "positive"), *files)


def ai_generated_text(folder: Path) -> System:
    """The bundled task on pairs, original and generated, of one title each."""
    rows = [
        {"abstract": text, "label": int(label == "positive"), "title": f"Title {i // 2}"}
        for i, (text, label) in enumerate(texts(OLD, "Ann"))
    ]
    return small(
        "ai-generated-text", ("human", "generated"), f"train_file={write(folder / 'rows.jsonl', rows)}"
    )


def image_attributes(folder: Path) -> System:
    """The bundled task on pictures that are dark or light."""
    data = [f"train_dir={class_folders(folder / 'data', n=150)}", "test_split_percentage=40"]
    training = ["training.num_train_epochs=6", "training.learning_rate=2.0e-3", "max_accuracy_loss=0.1"]
    return System("image-attributes", [*TINY, *data, *training], other_of("dark", "light"))


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
    "sample-reviews": sample_reviews,
    "steam-reviews": steam_reviews,
    "imdb-reviews": imdb_reviews,
    "ai-generated-text": ai_generated_text,
    "book-ratings": book_ratings,
    "image-attributes": image_attributes,
    "praised-aspects": praised_aspects,
}
