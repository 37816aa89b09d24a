"""What goes into the images: locked and hashed, needed by the service, under licences that allow its use."""

import json
import re
from collections.abc import Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.licences import SBOM, page, refused
from tests import test_imports
from tests.serving import ROOT, serve
from tests.test_imports import files
from tests.test_service import TEXT, predict

FOLDER = ROOT / "deploy/service"
CPU, GPU = FOLDER / "requirements.txt", FOLDER / "requirements.gpu.txt"
with_each = pytest.mark.parametrize("path", [CPU, GPU], ids=lambda path: path.stem)


def locked(path: Path) -> dict[str, str]:
    """By package its version."""
    pins = re.findall(r"^([\w.-]+)==([\w.+-]+)", path.read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


@with_each
def test_every_package_has_its_hashes_and_no_index_is_named(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    text = "\n".join(lines).replace("\\\n", "")
    assert len(locked(path)) > 50
    for line in text.splitlines():
        assert re.fullmatch(r"[\w.-]+==[\w.+-]+ ( +--hash=sha256:[0-9a-f]{64} ?)+", line), line


@with_each
def test_versions_are_those_that_are_tested(path: Path) -> None:
    tested = locked(ROOT / "requirements.lock")
    of_a_gpu = ("nvidia-", "cuda-", "triton", "setuptools")  # torch for CPUs asks for none of these
    others = {name: version for name, version in locked(path).items() if not name.startswith(of_a_gpu)}
    assert {name: version for name, version in others.items() if tested.get(name) != version} == {}


def test_the_cpu_image_has_no_torch() -> None:
    assert not {"torch", "transformers"} & set(locked(CPU))
    assert {"torch", "transformers"} <= set(locked(GPU))


def imported(output: Path) -> Iterator[str]:
    """The packages that a service imported by what Python told of it, and those that its sources name."""
    told = set(re.findall(r"^import time: +\d+ \| +\d+ \| +(\w+)", output.read_text(), re.MULTILINE))
    named = {name for path in [*files("bentos"), *files("service")] for name in test_imports.imported(path)}
    known = packages_distributions()
    for module in told | named:
        yield from map(canonicalize_name, known.get(module, []))


def required(name: str) -> set[str]:
    """What a package asks for here, without extras."""
    asked = [Requirement(one) for one in distribution(name).requires or []]
    return {
        canonicalize_name(one.name) for one in asked if not one.marker or one.marker.evaluate({"extra": ""})
    }


def test_the_service_imports_each_package_or_one_that_asks_for_it(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    with serve(tmp_path, "--arg", "version=tiny") as server:
        predict(server, TEXT)
    needed = waiting = set(imported(server.output)) & set(locked(CPU))
    while waiting := {one for name in waiting for one in required(name)} & set(locked(CPU)) - needed:
        needed = needed | waiting
    assert set(locked(CPU)) - needed == set()


def test_every_licence_allows_use_in_production() -> None:
    components = json.loads(SBOM.read_text("utf-8"))["components"]
    assert refused(components) == []
    assert page(components) == (ROOT / "docs/licences.md").read_text("utf-8")


def test_a_licence_that_forbids_it_or_is_missing_is_noticed() -> None:
    wrong = [{"license": {"name": "CC-BY-NC-4.0"}}], [{"expression": "MIT AND BUSL-1.1"}], []
    assert refused([{"name": "a", "licenses": one} for one in wrong]) == ["a"] * 3


def test_the_sbom_lists_what_is_locked() -> None:
    components = json.loads(SBOM.read_text("utf-8"))["components"]
    assert {canonicalize_name(one["name"]): one["version"] for one in components} == locked(CPU)
