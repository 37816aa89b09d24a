"""Tiny real store entries: a random DistilBERT of 32 dimensions through the project's own export."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from bentos.model_store import VARIANTS, model_tag
from bentos.task import Task, load_task
from train.data import Split, Splits
from train.export import export_variants, measure, store_variant
from train.trainer import train_tokenizer

VERSION = "tiny"
FACTS = {"data_sha256": "0" * 64, "seed": 0, "libraries": {}, "git_commit": None}
OPINIONS = {"negative": ("bad", "dull", "broken"), "positive": ("good", "great", "splendid")}
SENTENCES = ("The {} is {}.", "I found the {} rather {}!", "{}: {}, and I would say so again.")
ASPECTS = ("game", "music", "story", "combat", "ending")


def tiny_task() -> Task:
    """`sample-reviews` with limits that a test can reach."""
    task = load_task("sample-reviews")
    serving = replace(task.serving, max_items=64, max_body_bytes=2 * 2**20, drain_seconds=0.0)
    monitoring = replace(task.monitoring, reference_size=50)
    return replace(task, max_seq_length=64, serving=serving, monitoring=monitoring)


def tiny_splits(labels: tuple[str, ...]) -> Splits:
    """The same ninety sentences in each split."""
    rows = [
        (sentence.format(aspect, word), labels.index(label))
        for label in labels
        for word, sentence, aspect in product(OPINIONS[label], SENTENCES, ASPECTS)
    ]
    texts, ids = map(list, zip(*rows, strict=True))
    split = Split(texts, ids, [None] * len(rows))
    return Splits(split, split, split, report={}, sha256="0" * 64)


def build_entries() -> None:
    """Store every variant of the tiny task as version `tiny`."""
    task = tiny_task()
    build(task, tiny_splits(task.labels), VARIANTS)


def build(task: Task, splits: Splits, names: Sequence[str]) -> None:
    """Store these variants of a random model of texts, or pairs of texts, as version `tiny`."""
    torch.manual_seed(0)
    texts = [one for text in splits.train.texts for one in ([text] if isinstance(text, str) else text)]
    tokenizer = train_tokenizer(texts, 300, task.max_seq_length)
    config = DistilBertConfig(
        dim=32,
        hidden_dim=64,
        n_layers=2,
        n_heads=2,
        vocab_size=len(tokenizer),
        max_position_embeddings=task.max_seq_length,
        initializer_range=0.3,  # wide, so that answers differ from text to text
        id2label=dict(enumerate(task.labels)),
        label2id={label: i for i, label in enumerate(task.labels)},
    )
    model = DistilBertForSequenceClassification(config).eval()
    with TemporaryDirectory() as folder:
        trained = Path(folder) / "torch"
        model.save_pretrained(trained)
        tokenizer.save_pretrained(trained)
        for name, path in export_variants(trained, task, Path(folder), names).items():
            tag = model_tag(task.name, name, VERSION)
            store_variant(measure(name, path, task, splits), tag, task, splits, FACTS)
