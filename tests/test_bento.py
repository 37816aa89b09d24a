"""Packing: what a Bento carries, and that it serves what was packed."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import httpx
import pytest
import yaml
from bentoml import __version__ as bentoml_version

from bentos.model_store import save_entry
from bentos.page import file_routes
from bentos.request_log import read_log
from tests.serving import DEADLINE, ROOT, bentoml, serve, until
from tests.test_service import TEXT, predict

FILES = {"cpu": "bentofile.yaml", "gpu": "bentofile.gpu.yaml"}
PAGE = sorted(path for _, path in file_routes() if path not in ("/", "/ui/"))
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


def exported(tag: str, folder: Path) -> Path:
    """The Bento's files as they would come into an image, beside an empty model store."""
    run("export", tag, str(folder / "packed.tar"), cwd=folder)
    with tarfile.open(folder / "packed.tar") as packed:
        packed.extractall(folder / "packed", filter="data")
    (folder / "home").mkdir()
    return folder / "packed"


@pytest.fixture(scope="module")
def clone(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project to build in."""
    folder = tmp_path_factory.mktemp("project") / "clone"
    shutil.copytree(ROOT, folder, ignore=LEFT_BEHIND)
    return folder


@pytest.fixture(scope="module")
def bentos(store: Path, clone: Path) -> dict[str, Path]:
    """Both Bentos, built without an index."""
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
    source = bentos["cpu"] / "src"
    assert {p.name for p in source.iterdir()} == {"service.py", "bentos", "bentofile.yaml", "deploy"}
    assert [p.name for p in (source / "deploy").rglob("*.*")] == ["sbom.cdx.json"]


@pytest.mark.parametrize(("kind", "file"), [("cpu", "requirements.txt"), ("gpu", "requirements.gpu.txt")])
def test_its_packages_are_the_locked_ones(bentos: dict[str, Path], kind: str, file: str) -> None:
    locked = (ROOT / "deploy/service" / file).read_text().splitlines()
    packed = (bentos[kind] / "env/python/requirements.txt").read_text().splitlines()
    lines = [[line for line in one if line and not line.startswith("#")] for one in (locked, packed)]
    assert lines[1] == [*lines[0], f"bentoml=={bentoml_version}"]  # BentoML repeats its own


def test_an_exported_bento_serves_without_a_store(bentos: dict[str, Path], tmp_path: Path) -> None:
    packed = exported("sample-reviews:cpu", tmp_path)
    assert not list(packed.rglob("*.safetensors"))
    with serve(tmp_path, target=str(packed), cwd=tmp_path) as server:
        response = httpx.post(f"{server.url}/predict", json={"inputs": "good"}, timeout=30)
        assert response.headers["x-model-tag"] == "sample-reviews-onnx-int8:tiny"
        for path in PAGE:
            assert httpx.get(f"{server.url}{path}", timeout=30).is_success, path


def test_a_bento_serves_what_was_packed_and_logs_where_it_was_started(
    bentos: dict[str, Path], entry_copy: Path, tmp_path: Path
) -> None:
    save_entry(entry_copy, "sample-reviews-onnx-int8:newer")
    with serve(tmp_path, target="sample-reviews:cpu", cwd=tmp_path, logs="here") as server:
        response = httpx.post(f"{server.url}/predict", json={"inputs": "good"}, timeout=30)
        assert response.headers["x-model-tag"] == "sample-reviews-onnx-int8:tiny"
    assert list((tmp_path / "here/sample-reviews").glob("requests-*"))


@pytest.mark.parametrize("option", ["--arg", "--arg-file"])
def test_a_bento_refuses_settings_when_it_is_served(
    bentos: dict[str, Path], tmp_path: Path, option: str
) -> None:
    (tmp_path / "settings.yaml").write_text("timeout: 5\n")
    value = "timeout=5" if option == "--arg" else str(tmp_path / "settings.yaml")
    with serve(tmp_path, option, value, target="sample-reviews:cpu", cwd=tmp_path, ready=False) as server:
        assert server.process.wait(DEADLINE) == 1
    (line,) = server.output.read_text().splitlines()
    assert f"{option} cannot change a built Bento." in line
    assert "bentoml build --arg" in line


def test_a_bento_takes_its_shadow_along(clone: Path, entry_copy: Path, tmp_path: Path) -> None:
    save_entry(entry_copy, "sample-reviews-onnx-int8:other")
    settings = ("version=tiny", "shadow=other", "shadow_share=1")
    run("build", "--version", "two", *(part for one in settings for part in ("--arg", one)), cwd=clone)
    packed = exported("sample-reviews:two", tmp_path)
    with serve(tmp_path, target=str(packed), cwd=tmp_path) as server:
        rows = until(
            lambda: predict(server, TEXT) and read_log(server.logs / "sample-reviews", "shadow").rows, server
        )
    tags = {(row["model_tag"], row["shadow_tag"]) for row in rows}
    assert tags == {("sample-reviews-onnx-int8:tiny", "sample-reviews-onnx-int8:other")}
