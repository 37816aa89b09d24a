"""Packing: what a Bento carries, and that it serves what was packed."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import httpx
import pytest
import yaml

from bentos.model_store import save_entry
from tests.serving import ROOT, bentoml, serve

FILES = {"cpu": "bentofile.yaml", "gpu": "bentofile.gpu.yaml"}
OFFLINE = {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1"}
LEFT_BEHIND = shutil.ignore_patterns(".*", "runs", "logs", "reports", "demo-run", "data", "__pycache__")


def run(*arguments: str, cwd: Path) -> None:
    environment = {**os.environ, **OFFLINE}
    done = subprocess.run(
        bentoml(*arguments),
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def bentos(store: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both Bentos, built without an index in a copy of the project."""
    clone = tmp_path_factory.mktemp("project") / "clone"
    shutil.copytree(ROOT, clone, ignore=LEFT_BEHIND)
    for kind, file in FILES.items():
        run("build", "-f", file, "--version", kind, "--arg", "version=tiny", cwd=clone)
    return {kind: store / "bentos/sample-reviews" / kind for kind in FILES}


@pytest.mark.parametrize(("kind", "variant"), [("cpu", "onnx-int8"), ("gpu", "torch")])
def test_a_bento_carries_the_one_entry_it_serves(bentos: dict[str, Path], kind: str, variant: str) -> None:
    services = yaml.safe_load((bentos[kind] / "bento.yaml").read_text())["services"]
    tags = {model["tag"] for service in services for model in service["models"]}
    assert tags == {f"sample-reviews-{variant}:tiny"}


def test_the_cpu_bento_needs_no_torch(bentos: dict[str, Path]) -> None:
    requirements = (bentos["cpu"] / "env/python/requirements.txt").read_text()
    assert "onnxruntime==" in requirements
    assert "torch" not in requirements
    assert "transformers" not in requirements


def test_a_bento_holds_the_service_and_nothing_else_of_the_project(bentos: dict[str, Path]) -> None:
    assert {p.name for p in (bentos["cpu"] / "src").iterdir()} == {"service.py", "bentos", "bentofile.yaml"}


@pytest.mark.parametrize("file", FILES.values())
def test_its_versions_are_those_of_the_lock(file: str) -> None:
    packages = yaml.safe_load((ROOT / file).read_text())["python"]["packages"]
    assert set(packages) <= set((ROOT / "requirements.lock").read_text().split())


def test_an_exported_bento_serves_without_a_store(bentos: dict[str, Path], tmp_path: Path) -> None:
    run("export", "sample-reviews:cpu", str(tmp_path / "packed.tar"), cwd=tmp_path)
    with tarfile.open(tmp_path / "packed.tar") as packed:
        packed.extractall(tmp_path / "packed", filter="data")
    assert not list((tmp_path / "packed").rglob("*.safetensors"))
    (tmp_path / "home").mkdir()
    with serve(tmp_path, target=str(tmp_path / "packed"), cwd=tmp_path) as server:
        response = httpx.post(f"{server.url}/predict", json={"inputs": "good"}, timeout=30)
        assert response.headers["x-model-tag"] == "sample-reviews-onnx-int8:tiny"


def test_a_bento_serves_what_was_packed_and_logs_where_it_was_started(
    bentos: dict[str, Path], entry_copy: Path, tmp_path: Path
) -> None:
    save_entry(entry_copy, "sample-reviews-onnx-int8:newer")
    with serve(tmp_path, target="sample-reviews:cpu", cwd=tmp_path, logs="here") as server:
        response = httpx.post(f"{server.url}/predict", json={"inputs": "good"}, timeout=30)
        assert response.headers["x-model-tag"] == "sample-reviews-onnx-int8:tiny"
    assert list((tmp_path / "here/sample-reviews").glob("requests-*"))
