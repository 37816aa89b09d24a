"""A model store of its own for the test run, with tiny real entries, and a service that serves them."""

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import Server, serve

os.environ |= {"BENTOML_DO_NOT_TRACK": "True", "DO_NOT_TRACK": "1"}
os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}  # read when Ray is imported


def pytest_configure() -> None:
    """BentoML reads BENTOML_HOME once, when it is imported: before any test module."""
    os.environ["BENTOML_HOME"] = tempfile.mkdtemp(prefix="touchstone-store-")


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ["BENTOML_HOME"], ignore_errors=True)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """BENTOML_HOME with every variant of the tiny `sample-reviews`, built once for all xdist workers."""
    home, folder = Path(os.environ["BENTOML_HOME"]), tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with (shared / "tiny-store.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (shared / "tiny-store").exists():
            shutil.copytree(shared / "tiny-store", home / "models", dirs_exist_ok=True)
        else:
            from tests.tiny import build_entries

            build_entries()
            shutil.copytree(home / "models", shared / "tiny-store")
    return home


@pytest.fixture(scope="session")
def task_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a task of its own with a store entry that holds what monitoring reads."""
    from tests.watched import store_task

    return store_task(tmp_path_factory.mktemp("watched"))


@pytest.fixture
def entry(store: Path):  # type: ignore[no-untyped-def]
    """The int8 entry, read anew for each test."""
    from bentos.model_store import load_entry

    return load_entry("sample-reviews-onnx-int8:tiny")


@pytest.fixture
def entry_copy(entry, tmp_path: Path) -> Path:  # type: ignore[no-untyped-def]
    """A copy of the int8 entry's folder that a test may damage or store again."""
    folder = tmp_path / "entry"
    shutil.copytree(entry.path, folder, ignore=shutil.ignore_patterns("model.yaml"))
    return folder


@pytest.fixture(scope="session")
def server(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running `bentoml serve` of the int8 variant with a log folder of its own."""
    with serve(tmp_path_factory.mktemp("serve"), "--arg", "version=tiny") as server:
        yield server


@pytest.fixture(scope="session")
def torch_server(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The two-service layout: an API process and a runner process, here on the CPU."""
    with serve(tmp_path_factory.mktemp("torch"), "--arg", "version=tiny", "--arg", "variant=torch") as server:
        yield server
