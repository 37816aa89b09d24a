"""The trained model as store entries: torch, ONNX and int8, each complete, gated and stored whole."""

import json
import platform
import shutil
import subprocess
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from optimum.exporters.onnx import onnx_export_from_model
from optimum.onnxruntime import ORTQuantizer
from optimum.onnxruntime.configuration import AutoQuantizationConfig
from tokenizers import Tokenizer
from transformers.utils import logging

from bentos.model_store import load_model, save_entry
from bentos.postprocess import Interval, probabilities
from bentos.preprocess import PREPROCESS
from bentos.request_log import make_row
from bentos.task import Task
from bentos.torch_model import AUTO_CLASS
from bentos.vocabulary import vocabulary
from train.canonical import CANONICAL
from train.data import Split, Splits
from train.evaluate import CALIBRATE, METRICS, Predictions, predict_variant
from train.packed import can_be_packed, note_packed, without_padding
from train.pictures import raw

LIBRARIES = (
    "torch",
    "transformers",
    "optimum",
    "optimum-onnx",
    "onnx",
    "onnxruntime",
    "tokenizers",
    "bentoml",
)
PREPROCESSING_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "preprocessor_config.json",
)


class GateError(Exception):
    """A quantized variant lost more accuracy than the task allows; nothing was stored."""


@dataclass(frozen=True)
class Variant:
    """One exported variant with what it says of the held-out rows."""

    name: str
    folder: Path
    temperature: float
    interval: Interval | None  # of a regression
    metrics: dict[str, Any]
    test: Predictions


def export_variants(trained: Path, task: Task, folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """Write a folder for each variant below `folder`, Hugging Face's own file names in each.

    `trained` holds the torch model and its preprocessing; it is the folder of the torch variant.
    """
    folders = {"torch": trained, "onnx": folder / "onnx", "onnx-int8": folder / "onnx-int8"}
    for name in ("onnx", "onnx-int8"):
        shutil.rmtree(folders[name], ignore_errors=True)
    if set(names) != {"torch"}:
        export_onnx(trained, folders["onnx"], task)
    if "onnx-int8" in names:
        quantize(folders["onnx"], folders["onnx-int8"], task.quantization or quantization_for_this_cpu())
    return {name: folders[name] for name in names}


def export_onnx(torch_folder: Path, folder: Path, task: Task) -> None:
    """The single-precision ONNX graph by optimum, which warns at length about constants of the graph."""
    logging.set_verbosity_error()
    model = AUTO_CLASS[task.pipeline_tag].from_pretrained(torch_folder, attn_implementation="eager")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        onnx_export_from_model(without_padding(model), folder, task=task.pipeline_tag, do_validation=False)
    if can_be_packed(model):
        note_packed(folder / "model.onnx")
    copy_preprocessing(torch_folder, folder)
    logging.set_verbosity_warning()


def copy_preprocessing(folder: Path, other: Path) -> None:
    """The files by which inputs become arrays."""
    for name in PREPROCESSING_FILES:
        if (folder / name).is_file():
            shutil.copy(folder / name, other / name)


def quantize(onnx_folder: Path, folder: Path, configuration: str) -> None:
    """Dynamic int8 of `model.onnx` by the named optimum AutoQuantizationConfig, with all that serves it."""
    # A scale for each output channel: 98.9 % of MiniLM's answers stay as in single precision, 97.4 % without.
    options: dict[str, Any] = {"is_static": False, "per_channel": True}
    options["operators_to_quantize"] = ["Conv", "Gather", "MatMul"]
    if configuration in ("avx2", "avx512"):
        options["reduce_range"] = True  # without VNNI an 8-bit product can overflow its 16-bit sum
    settings = getattr(AutoQuantizationConfig, configuration)(**options)
    ORTQuantizer.from_pretrained(onnx_folder).quantize(save_dir=folder, quantization_config=settings)
    copy_preprocessing(onnx_folder, folder)


def quantization_for_this_cpu() -> str:
    """The AutoQuantizationConfig name that fits the processor we run on."""
    if platform.machine() in ("aarch64", "arm64"):
        return "arm64"
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.is_file() else ""
    known = {"avx512_vnni": "avx512_vnni", "avx512f": "avx512"}
    return next((name for flag, name in known.items() if f" {flag} " in flags), "avx2")


def measure(name: str, folder: Path, task: Task, splits: Splits) -> Variant:
    """Fit the variant's temperature or interval on the validation split and measure it on the test split."""
    model = load_model(name, folder, task)
    validation = predict_variant(folder, task, model, splits.validation.texts, name)
    temperature, interval = CALIBRATE[task.problem_type](validation.logits, splits.validation.labels)
    test = predict_variant(folder, task, model, splits.test.texts, name)
    metrics = METRICS[task.problem_type](test.logits, splits.test, task, temperature, interval)
    found = {**metrics, "model_bytes": model_bytes(folder)}
    return Variant(name, folder, temperature, interval, found, test)


# What a quantized variant must keep, and what it has lost of it: of a given and a torch variant's figures.
GATES: dict[str, tuple[str, Callable[[float, float], float]]] = {
    "single_label_classification": ("accuracy", lambda found, torch: torch - found),
    "multi_label_classification": ("micro_f1", lambda found, torch: torch - found),
    "regression": ("rmse", lambda found, torch: found / max(torch, 1e-12) - 1),
}


def check_gate(variants: dict[str, Variant], task: Task) -> None:
    """Raises GateError where a variant is less accurate than torch by more than `max_accuracy_loss`."""
    (figure, lost), tolerance = GATES[task.problem_type], task.max_accuracy_loss
    values = {name: variant.metrics[figure] for name, variant in variants.items()}
    for name, value in values.items():
        loss = lost(value, values.get("torch", value))
        if loss > tolerance:
            raise GateError(
                f"Refused: {name} has {figure} {value:.4f} on the test split, torch {values['torch']:.4f}: "
                f"a loss of {loss:.4f}, more than max_accuracy_loss {tolerance}. Nothing was stored. "
                "Try another quantization (--set quantization=avx512_vnni), or allow more: "
                "--set max_accuracy_loss=..."
            )


def store_variant(variant: Variant, tag: str, task: Task, splits: Splits, facts: dict[str, Any]) -> None:
    """Complete the variant's folder with what serving and monitoring need, and store it under `tag`.

    A retrained one does not become the latest: without a promotion that is what services start with.
    """
    metrics = {**variant.metrics, "temperature": variant.temperature, "split": "test", **facts}
    texts = {
        "task.yaml": task.to_yaml(),
        "calibration.json": json.dumps(calibration(variant)),
        "metrics.json": json.dumps(metrics, indent=1),
        "reference.jsonl": "".join(
            f"{json.dumps(r)}\n" for r in reference_rows(variant, tag, task, splits.test)
        ),
        "canonical.json": json.dumps(canonical_cases(variant, task), indent=1),
    }
    if not task.reads_pictures:
        texts["vocabulary.json"] = json.dumps(reference_vocabulary(variant, task))
    for name, text in texts.items():
        (variant.folder / name).write_text(text, encoding="utf-8")
    save_entry(variant.folder, tag, as_latest="retrained" not in facts)


def calibration(variant: Variant) -> dict[str, Any]:
    """What was fitted on the validation split."""
    interval = {"interval": variant.interval._asdict()} if variant.interval else {}
    return {"temperature": variant.temperature, **interval}


def reference_rows(variant: Variant, tag: str, task: Task, test: Split) -> list[dict[str, Any]]:
    """Up to `reference_size` test rows, evenly spread, in the form of the request log plus `true_label`."""
    scores = probabilities(variant.test.logits, task.problem_type, variant.temperature)
    rows = []
    for i in reference_positions(task, len(test.texts)):
        row = make_row(
            ts=_moment(test.timestamps[i]),
            request_id=f"reference-{i}",
            index=0,
            model_tag=tag,
            labels=task.labels,
            probs=scores[i],
            latency_ms=None,
            text=raw(test.texts[i]),
            encoded=variant.test.encoded[i],
            log_inputs="hash",
            key=b"",
        )
        # the key of a log is its own: hashes could never match
        row.pop("image_hash" if task.reads_pictures else "text_hash")
        rows.append({**row, "true_label": TRUTHS[task.problem_type](test.labels[i], task)})
    return rows


# A label of the data as feedback gives it.
TRUTHS: dict[str, Callable[[Any, Task], Any]] = {
    "single_label_classification": lambda label, task: task.labels[int(label)],
    "multi_label_classification": lambda label, task: [
        t for t, is_on in zip(task.labels, label, strict=True) if is_on
    ],
    "regression": lambda label, task: float(label),
}


def reference_positions(task: Task, n_test: int) -> list[int]:
    """Which test rows become the reference."""
    count = min(task.monitoring.reference_size, n_test)
    return [int(i) for i in np.linspace(0, n_test - 1, count)]


def reference_vocabulary(variant: Variant, task: Task) -> dict[str, Any]:
    """What `vocabulary.json` says of the reference's texts."""
    encoded = variant.test.encoded
    ids = (encoded[i].arrays["input_ids"] for i in reference_positions(task, len(encoded)))
    return vocabulary(ids, Tokenizer.from_file(str(variant.folder / "tokenizer.json")))


def canonical_cases(variant: Variant, task: Task) -> list[dict[str, Any]]:
    """A few fixed inputs, one to a call, with the logits that this machine makes of them."""
    preprocess = PREPROCESS[task.pipeline_tag](variant.folder, task)
    model = load_model(variant.name, variant.folder, task)
    return [
        {
            "inputs": i,
            "logits": model.run(preprocess.pad(preprocess([preprocess.from_json(i)])))[0]
            .astype(float)
            .tolist(),
        }
        for i in CANONICAL[task.pipeline_tag](task)
    ]


def run_facts(task: Task, splits: Splits) -> dict[str, Any]:
    """What one needs to know to repeat the run."""
    return {
        "data": splits.report,
        "data_sha256": splits.sha256,
        "seed": task.training.get("seed", 42),
        "libraries": {name: version(name) for name in LIBRARIES},
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "git_commit": _git_commit(),
    }


def model_bytes(folder: Path) -> int:
    """Size of the weights in bytes."""
    return sum(p.stat().st_size for p in folder.iterdir() if p.suffix in (".onnx", ".safetensors"))


def _git_commit() -> str | None:
    command = ["git", "rev-parse", "HEAD"]
    folder = Path(__file__).parent
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=10, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() or None


def _moment(timestamp: str | None) -> datetime | None:
    return datetime.fromisoformat(timestamp) if timestamp else None
