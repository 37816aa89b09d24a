"""Store entries: their tags, their files, and how they are saved (whole or not at all) and loaded."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import bentoml
import numpy as np
import yaml
from bentoml.exceptions import BentoMLException, NotFound
from numpy.typing import NDArray

from bentos.postprocess import Interval
from bentos.preprocess import PREPROCESS, Preprocess
from bentos.task import Task, TaskError, make_task

VARIANTS = ("onnx-int8", "onnx", "torch")
MANIFEST = "files.json"
SELF_CHECK_TOLERANCE = (
    0.05  # of a logit, or of a half interval: half precision stays below, a saturating int8 product does not
)


class ModelError(Exception):
    """A store entry that is absent, damaged or computes something else here; the message is for the user."""


class Model(Protocol):
    """What every variant offers."""

    @property
    def free_padding(self) -> int:
        """Tokens of padding in a call that cost less than another call."""

    def run(self, arrays: dict[str, NDArray[Any]]) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class Entry:
    """One verified entry of the model store."""

    tag: str
    variant: str
    path: Path
    task: Task
    temperature: float
    metrics: dict[str, Any]
    canonical: list[dict[str, Any]]  # [{"inputs", "logits"}]
    interval: Interval | None = None  # of a regression's answers

    @property
    def tolerance(self) -> float:
        """Of a logit in the self-check; a number is in units of its own."""
        return SELF_CHECK_TOLERANCE * (max(1.0, self.interval.half_width) if self.interval else 1.0)


def model_name(task_name: str, variant: str) -> str:
    """`<task>-<variant>`; raises ModelError for a variant that there is not."""
    if variant not in VARIANTS:
        raise ModelError(f"No variant '{variant}'. Give one of: {', '.join(VARIANTS)}")
    return f"{task_name}-{variant}"


def model_tag(task_name: str, variant: str, version: str = "latest") -> str:
    """`<task>-<variant>:<version>`; raises ModelError for a variant that there is not."""
    return f"{model_name(task_name, variant)}:{version}"


def load_entry(tag: str) -> Entry:
    """The entry of a tag (`latest` is resolved); raises ModelError when it is absent or damaged."""
    try:
        stored = bentoml.models.get(tag)
    except NotFound:
        raise ModelError(f"No model '{tag}' in the model store. {_instead(tag)}") from None
    except (BentoMLException, OSError, ValueError, TypeError) as error:
        raise ModelError(f"The store entry '{tag}' cannot be read: {error}. {_remedy(tag)}") from error
    return open_entry(Path(stored.path), str(stored.tag))


def versions(name: str) -> list[str]:
    """The versions stored of `<task>-<variant>`; none where there is nothing of that name."""
    try:
        return sorted(str(model.tag.version) for model in bentoml.models.list(name))
    except (BentoMLException, ValueError):  # nothing of that name, or no name at all
        return []


def open_entry(path: Path, tag: str) -> Entry:
    """The entry in a folder, its files checked against its manifest; raises ModelError when damaged."""
    try:
        verify_files(path)
        name, calibration = tag.partition(":")[0], _read_json(path / "calibration.json")
        return Entry(
            tag=tag,
            variant=next(v for v in VARIANTS if name.endswith(f"-{v}")),
            path=path,
            task=make_task(yaml.safe_load((path / "task.yaml").read_text("utf-8")), f"{path}/task.yaml"),
            temperature=float(calibration["temperature"]),
            metrics=_read_json(path / "metrics.json"),
            canonical=_read_json(path / "canonical.json"),
            interval=Interval(**calibration["interval"]) if "interval" in calibration else None,
        )
    except (OSError, ValueError, KeyError, TypeError, StopIteration, TaskError, yaml.YAMLError) as error:
        raise ModelError(f"The store entry '{tag}' is damaged: {error}. {_remedy(tag)}") from error


def load_model(variant: str, folder: Path, task: Task) -> Model:
    """The model of a variant's folder, ready to run; only the torch variant imports torch."""
    if variant == "torch":
        from bentos.torch_model import TorchModel

        return TorchModel(folder, task)
    from bentos.onnx_model import OnnxModel

    return OnnxModel(folder)


def preprocess_of(entry: Entry) -> Preprocess:
    """What makes the model's arrays of raw inputs."""
    return PREPROCESS[entry.task.pipeline_tag](entry.path, entry.task)


def self_check(entry: Entry, model: Model, preprocess: Preprocess) -> None:
    """Compare this machine's logits with those of the writer; raises ModelError where they differ.

    Needed because int8 products saturate on processors without VNNI (onnxruntime issues 5849 and 6004).
    """
    for case in entry.canonical:
        logits = model.run(preprocess.pad(preprocess([preprocess.from_json(case["inputs"])])))[0]
        distance = float(np.abs(logits - np.asarray(case["logits"])).max())
        if not distance <= entry.tolerance:
            raise ModelError(
                f"'{entry.tag}' computes something else on this machine: logits {logits.tolist()} for "
                f"{case['inputs'][:80]!r}, expected {case['logits']} within {entry.tolerance:g}. "
                "Serve variant=onnx or variant=torch here, or train again on this kind of processor."
            )


def check_interchangeable(old: Task, new: Task) -> None:
    """Raises ModelError when the versions do not answer the same question in the same words."""
    for key in ("labels", "pipeline_tag", "problem_type"):
        if getattr(old, key) != getattr(new, key):
            raise ModelError(
                f"its {key} are {getattr(new, key)}, those served {getattr(old, key)}. Restart the service."
            )
    if len(old.text_column_names) != len(new.text_column_names):
        raise ModelError("one reads texts, the other pairs of texts. Restart the service.")


def read_reference(entry: Entry) -> list[dict[str, Any]]:
    """The held-out rows that went through this variant, in the form of the request log plus `true_label`."""
    with (entry.path / "reference.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def save_entry(folder: Path, tag: str, as_latest: bool = True) -> None:
    """Store a finished folder under `tag`. A kill at any moment leaves the whole entry or none.

    The first version of a name is its latest in any case.

    BentoML copies into the store file by file, so a reader can meet half an entry. It therefore
    writes into a store of its own beside the real one, and a rename brings the entry over.
    """
    write_manifest(folder)
    name, _, version = tag.partition(":")
    target = store_folder() / name / version
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale_staging()
    with tempfile.TemporaryDirectory(prefix="staging-", dir=_staging_folder()) as staging:
        _create_in(Path(staging), folder, tag)
        os.rename(Path(staging, "models", name, version), target)
    latest = target.parent / "latest"
    if as_latest or not latest.exists():
        write_atomically(latest, version)


def store_folder() -> Path:
    """Where BentoML keeps models."""
    return Path(os.environ.get("BENTOML_HOME") or Path.home() / "bentoml") / "models"


def write_atomically(path: Path, text: str, mode: int = 0o666) -> None:
    """A reader sees the old file or the new one, never a part; `mode` is less what the umask takes."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(temporary, "w", encoding="utf-8", opener=partial(os.open, mode=mode)) as file:
        file.write(text)
    os.replace(temporary, path)


def write_manifest(folder: Path) -> None:
    """Write `files.json`: the size and SHA-256 of every other file of the folder."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST)
    manifest = {str(p.relative_to(folder)): {"size": p.stat().st_size, "sha256": _sha256(p)} for p in files}
    write_atomically(folder / MANIFEST, json.dumps(manifest, indent=1))


def verify_files(folder: Path) -> None:
    """Raises ValueError for the first file that is not what the manifest says."""
    for name, expected in _read_json(folder / MANIFEST).items():
        path = folder / name
        if (
            not path.is_file()
            or path.stat().st_size != expected["size"]
            or _sha256(path) != expected["sha256"]
        ):
            raise ValueError(f"the file {name} is missing or not as it was written")


def _create_in(home: Path, folder: Path, tag: str) -> None:
    """Let a child process write the entry into the store below `home`: BentoML reads BENTOML_HOME once."""
    command = [sys.executable, "-m", "bentos.model_store", str(folder), tag]
    environment = {**os.environ, "BENTOML_HOME": str(home)}
    done = subprocess.run(command, env=environment, timeout=600, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ModelError(f"The entry '{tag}' could not be written: {done.stderr.strip()[-500:]}")


def _staging_folder() -> Path:
    """On the store's own file system, so that the rename is one step."""
    folder = store_folder().parent / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _remove_stale_staging(older_than: float = 86400) -> None:
    for path in _staging_folder().glob("staging-*"):
        if time.time() - path.stat().st_mtime > older_than:
            shutil.rmtree(path, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _instead(tag: str) -> str:
    name = tag.partition(":")[0]
    if found := versions(name):
        return f"Of '{name}' there are the versions {', '.join(found)}."
    task = next((name.removesuffix(f"-{v}") for v in VARIANTS if name.endswith(f"-{v}")), name)
    return f"Train one: make train TASK={task}"


def _remedy(tag: str) -> str:
    return f"Delete it (bentoml models delete {tag}) and train again."


if __name__ == "__main__":
    source, new_tag = sys.argv[1:]
    with bentoml.models.create(new_tag) as created:
        shutil.copytree(source, created.path, dirs_exist_ok=True)
