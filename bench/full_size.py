"""A full-size DistilBERT to measure with: python -m bench.full_size FOLDER (its config and tokenizer)

Random weights, which cost exactly what trained ones cost. It becomes the store entry `full-size-onnx-int8` by
the project's own export, below bench/.work/home (the BENTOML_HOME to serve it with), and beside it, in
bench/.work/optimum-default, what optimum's documentation makes of the same weights. Made again only when the
code that makes them has changed.
"""

import argparse
import hashlib
import os
import shutil
import sys
import warnings
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.mixes import read_vocabulary, texts

if TYPE_CHECKING:
    from bentos.task import Task
    from train.data import Splits

WORK = Path(__file__).parent / ".work"
HOME = WORK / "home"
DEFAULT_EXPORT = WORK / "optimum-default"
TASK = "full-size"
LABELS = ("negative", "positive")
MAX_SEQ_LENGTH = 256
SPREAD = 0.04  # initializer_range: with the usual 0.02 every text gets the same answer
ROWS = 40


def main() -> None:
    """Make what is absent or older than its code."""
    parser = argparse.ArgumentParser(prog="python -m bench.full_size", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("weights", type=Path, help="a folder with config.json and tokenizer.json")
    weights = parser.parse_args().weights
    for name in ("config.json", "tokenizer.json"):
        if not (weights / name).is_file():
            sys.exit(
                f"No {weights / name}. Give a folder with a DistilBERT's config.json and tokenizer.json."
            )
    if entry_folder().is_dir() and (DEFAULT_EXPORT / "model_quantized.onnx").is_file():
        print(f"{entry_folder()} and {DEFAULT_EXPORT} are there already.")
        return
    HOME.mkdir(parents=True, exist_ok=True)
    os.environ["BENTOML_HOME"] = str(HOME)  # read when bentoml is imported, so before the functions below
    with TemporaryDirectory(dir=WORK) as scratch:
        make_model(weights, Path(scratch))
        make_default_export(Path(scratch))
        shutil.rmtree(entry_folder().parent, ignore_errors=True)
        make_entry(weights, Path(scratch))
    print(f"Made {entry_folder()} and {DEFAULT_EXPORT}.")


def entry_folder() -> Path:
    """Where the store keeps the entry that the present code makes."""
    return HOME / "models" / f"{TASK}-onnx-int8" / source_hash()


def source_hash() -> str:
    """Names the version: the code that makes the entry, and this file."""
    files = [Path(__file__), *sorted(Path(__file__).parents[1].glob("train/*.py"))]
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:12]


def make_model(weights: Path, folder: Path) -> None:
    """The random torch model and its tokenizer, in `folder`/torch."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(
        weights,
        initializer_range=SPREAD,
        id2label=dict(enumerate(LABELS)),
        label2id={label: i for i, label in enumerate(LABELS)},
    )
    AutoModelForSequenceClassification.from_config(config).eval().save_pretrained(folder / "torch")
    tokenizer = AutoTokenizer.from_pretrained(weights, model_max_length=MAX_SEQ_LENGTH)
    tokenizer.save_pretrained(folder / "torch")


def make_default_export(folder: Path) -> None:
    """As `optimum-cli export onnx` and `optimum-cli onnxruntime quantize --avx512_vnni` do it."""
    from optimum.exporters.onnx import main_export
    from optimum.onnxruntime import ORTQuantizer
    from optimum.onnxruntime.configuration import AutoQuantizationConfig

    plain, quantized = folder / "plain", folder / "quantized"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about constants of the graph, at length
        main_export(str(folder / "torch"), plain, task="text-classification", do_validation=False)
    settings = AutoQuantizationConfig.avx512_vnni(is_static=False, per_channel=False)
    ORTQuantizer.from_pretrained(plain).quantize(save_dir=quantized, quantization_config=settings)
    for path in (folder / "torch").iterdir():
        if path.suffix in (".json", ".txt") and not (quantized / path.name).exists():
            shutil.copy(path, quantized)
    shutil.rmtree(DEFAULT_EXPORT, ignore_errors=True)
    os.replace(quantized, DEFAULT_EXPORT)


def make_entry(weights: Path, folder: Path) -> None:
    """The store entry, by the same functions that a training run uses."""
    from bentos.model_store import model_tag
    from train.export import export_variants, measure, store_variant

    task, splits = full_size_task(), rows(weights)
    exported = export_variants(folder / "torch", task, folder, ("onnx-int8",))
    variant = measure("onnx-int8", exported["onnx-int8"], task, splits)
    tag = model_tag(TASK, "onnx-int8", source_hash())
    facts = {"data_sha256": splits.sha256, "seed": 0, "libraries": {}, "git_commit": None}
    store_variant(variant, tag, task, splits, facts)


def full_size_task() -> "Task":
    """The defaults of a task, at the size of an ordinary DistilBERT."""
    from bentos.task import Task

    return Task(name=TASK, labels=LABELS, model_type="distilbert", max_seq_length=MAX_SEQ_LENGTH)


def rows(weights: Path) -> "Splits":
    """A few random texts with random labels: the export wants something to measure on."""
    from train.data import Split, Splits

    drawn = [text for text, _ in islice(texts("steam", read_vocabulary(weights), seed=0), ROWS)]
    split = Split(list(drawn), [i % 2 for i in range(ROWS)], [None] * ROWS)
    return Splits(split, split, split, report={}, sha256="0" * 64)


if __name__ == "__main__":
    main()
