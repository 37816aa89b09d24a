"""Store entries: whole or not at all, and verified when they are read."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bentos.model_store import (
    Entry,
    ModelError,
    load_entry,
    load_model,
    model_tag,
    open_entry,
    preprocess_of,
    read_reference,
    save_entry,
    self_check,
    store_folder,
)


def test_an_entry_holds_what_serving_and_monitoring_need(entry: Entry) -> None:
    assert entry.task.name == "sample-reviews"
    assert entry.temperature > 0
    assert {"accuracy", "n", "split", "data_sha256", "libraries", "seed", "git_commit"} <= set(entry.metrics)
    assert read_reference(entry)[0]["true_label"] in entry.task.labels
    assert not list(entry.path.rglob("*.pkl"))


def test_the_version_may_be_left_open(entry: Entry) -> None:
    assert (
        load_entry(entry.tag.partition(":")[0]).tag == load_entry(f"{entry.tag.partition(':')[0]}:latest").tag
    )


def test_an_unknown_variant_lists_the_known_ones() -> None:
    with pytest.raises(ModelError, match="onnx-int8, onnx, torch"):
        model_tag("sample-reviews", "int4")


def test_an_absent_entry_says_how_to_train_one(store: Path) -> None:
    with pytest.raises(ModelError, match="make train TASK=imdb-reviews"):
        load_entry("imdb-reviews-onnx-int8:latest")


@pytest.mark.parametrize("name", ["config.json", "task.yaml", "reference.jsonl", "model_quantized.onnx"])
def test_a_damaged_file_is_named(name: str, entry_copy: Path) -> None:
    path = entry_copy / name
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(ModelError, match=name):
        open_entry(entry_copy, "sample-reviews-onnx-int8:copy")


def test_a_missing_file_is_named(entry_copy: Path) -> None:
    (entry_copy / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        open_entry(entry_copy, "sample-reviews-onnx-int8:copy")


def test_an_entry_without_manifest_is_damaged(entry_copy: Path) -> None:
    (entry_copy / "files.json").unlink()
    with pytest.raises(ModelError, match="damaged"):
        open_entry(entry_copy, "sample-reviews-onnx-int8:copy")


def test_the_self_check_passes_where_the_entry_was_written(entry: Entry) -> None:
    self_check(entry, load_model(entry.variant, entry.path, entry.task), preprocess_of(entry))


def test_the_self_check_refuses_other_logits(entry: Entry) -> None:
    entry.canonical[0]["logits"][0] += 1.0
    with pytest.raises(ModelError, match="computes something else on this machine"):
        self_check(entry, load_model(entry.variant, entry.path, entry.task), preprocess_of(entry))


def test_one_version_is_written_once(entry_copy: Path) -> None:
    save_entry(entry_copy, "sample-reviews-onnx-int8:twice")
    with pytest.raises(OSError, match=r"not empty|exists"):
        save_entry(entry_copy, "sample-reviews-onnx-int8:twice")


@pytest.mark.parametrize("delay", [0.2, 0.6, 0.9, 1.1, 1.3, 1.6])
def test_a_killed_writer_leaves_a_whole_entry_or_none(delay: float, entry_copy: Path) -> None:
    tag = f"sample-reviews-onnx-int8:killed-{delay}"
    call = f"save_entry(Path({str(entry_copy)!r}), {tag!r})"
    code = f"from pathlib import Path; from bentos.model_store import save_entry; {call}"
    writer = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, env=os.environ)
    time.sleep(delay)
    os.killpg(writer.pid, signal.SIGKILL)
    writer.wait(timeout=10)
    target = store_folder() / "sample-reviews-onnx-int8" / tag.partition(":")[2]
    if target.exists():
        assert open_entry(target, tag).task.name == "sample-reviews"
    else:
        with pytest.raises(ModelError):
            load_entry(tag)


def test_the_manifest_covers_every_file(entry: Entry) -> None:
    manifest = json.loads((entry.path / "files.json").read_text())
    present = {p.name for p in entry.path.iterdir()} - {"files.json", "model.yaml"}
    assert present == set(manifest)


def test_a_version_may_be_stored_beside_the_latest(entry_copy: Path) -> None:
    for version, as_latest in (("1", False), ("2", False), ("3", True), ("4", False)):
        save_entry(entry_copy, f"beside-onnx-int8:{version}", as_latest)
        latest = load_entry("beside-onnx-int8:latest").tag
        assert latest == f"beside-onnx-int8:{'1' if version < '3' else '3'}"
