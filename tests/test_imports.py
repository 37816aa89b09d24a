"""Who imports whom, and what the ONNX path must not load."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"bentos", "train", "monitoring", "service", "tests", "bench", "deploy"}
BENTO_PACKAGES = {"bentoml", "numpy", "onnxruntime", "PIL", "prometheus_client", "pydantic", "pydantic_core"}
BENTO_PACKAGES |= {"tokenizers", "yaml"}
BENTO_PACKAGES |= {"opentelemetry", "aiohttp", "click", "psutil", "tornado", "uvicorn"}  # BentoML brings them
HEAVY = ("torch", "transformers", "optimum", "datasets", "pandas", "evidently")
ONE_PREDICTION = f"""
import sys, service
from starlette.testclient import TestClient
with TestClient(service.svc.to_asgi()) as client:
    assert client.post("/predict", json={{"inputs": "a good game"}}).status_code == 200
loaded = [name for name in {HEAVY!r} if name in sys.modules]
sys.exit(f"loaded: {{loaded}}" if loaded else 0)
"""


def imported(path: Path) -> set[str]:
    """The top-level names that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names.add(str(node.module).partition(".")[0])
    return names


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py")) if (ROOT / package).is_dir() else [ROOT / f"{package}.py"]


@pytest.mark.parametrize("package", ["bentos", "train", "monitoring", "service"])
def test_of_ours_only_bentos_is_imported(package: str) -> None:
    for path in files(package):
        assert imported(path) & OURS <= {package, "bentos"}, path


@pytest.mark.parametrize("path", files("bentos"), ids=lambda path: path.name)
def test_what_travels_in_a_bento_needs_little(path: Path) -> None:
    allowed = BENTO_PACKAGES | {"bentos"} | sys.stdlib_module_names
    if path.name == "torch_model.py":
        allowed |= {"torch", "transformers"}
    if path.name == "ray_cluster.py":
        allowed |= {"ray"}
    assert imported(path) <= allowed


def test_the_onnx_path_loads_nothing_heavy(store: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "TOUCHSTONE_LOGS": str(tmp_path)}
    command = [sys.executable, "-W", "ignore", "-c", ONE_PREDICTION]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
