"""`bentoml serve --arg`: what is served, and the one line that a mistake gets."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from bentos.model_store import save_entry
from bentos.serve_args import ServeArgs, asked_tag, packed_tag
from tests.serving import ROOT, bentoml


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("variant=int4", "No variant 'int4'. Give one of: onnx-int8, onnx, torch"),
        ("task=nope", "No task 'nope'. Give one of: "),
        ("version=v9", "No model 'sample-reviews-onnx-int8:v9' in the model store. Of "),
        ("flavour=x", "Wrong --arg flavour. There are task, variant, version, logs, lanes"),
        ("logs=/dev/null", "No log folder /dev/null/sample-reviews: "),
    ],
)
def test_a_mistake_gets_one_line(store: Path, argument: str, line: str) -> None:
    done = subprocess.run(
        bentoml("serve", "service:svc", "--arg", argument),
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 1
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_task_may_be_the_path_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"name": "mine", "labels": ["a", "b"], "model_type": "distilbert"}))
    assert asked_tag(ServeArgs(task=str(path), version="v1")) == "mine-onnx-int8:v1"


def test_a_task_trained_from_a_file_elsewhere_needs_no_file(entry_copy: Path) -> None:
    save_entry(entry_copy, "elsewhere-onnx-int8:v1")
    assert asked_tag(ServeArgs(task="elsewhere")) == "elsewhere-onnx-int8:latest"


def test_in_a_bento_the_packed_entry_is_served(tmp_path: Path) -> None:
    source = tmp_path / "src/service.py"
    assert packed_tag(source) is None
    shadow = "{name: mine-shadow, models: [{tag: mine-onnx:v2}]}"
    mine = "{name: mine, models: [{tag: mine-torch:v1}]}"
    (tmp_path / "bento.yaml").write_text(f"services: [{shadow}, {mine}]")
    assert packed_tag(source) == "mine-torch:v1"
