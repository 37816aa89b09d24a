"""`python -m train.promote`: what it moves, and what it refuses."""

import json
from pathlib import Path

import pytest

from tests.versions import FIRST, SECOND, add_version, own_store, promote

NAME = "sample-reviews-onnx-int8"


@pytest.fixture
def home(store: Path, tmp_path: Path) -> Path:
    return own_store(store, tmp_path)


def test_it_promotes_and_rolls_back_and_shows_the_history(home: Path) -> None:
    for arguments in ([f"{NAME}:{FIRST}"], [f"{NAME}:{SECOND}"]):
        assert promote(home, *arguments).returncode == 0
    assert f"{SECOND} is in production" in promote(home, NAME, "--history").stdout
    assert f"{FIRST} is in production" in promote(home, NAME, "--rollback").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([NAME], f"names no version. Give {NAME}:VERSION"),
        ([f"{NAME}:absent"], "No model"),
        ([NAME, "--rollback"], "no earlier version"),
        (["absent-onnx-int8", "--rollback"], "no earlier version"),
    ],
)
def test_a_mistake_is_told_without_a_traceback(home: Path, arguments: list[str], message: str) -> None:
    done = promote(home, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_version_that_computes_something_else_is_refused(home: Path) -> None:
    cases = json.loads((home / "models" / NAME / FIRST / "canonical.json").read_text())
    cases[0]["logits"][0] += 1.0
    add_version(home, NAME, "wrong", "canonical.json", cases)
    done = promote(home, f"{NAME}:wrong")
    assert done.returncode == 1
    assert "computes something else" in done.stderr
    assert not (home / "models" / NAME / "production.json").exists()
