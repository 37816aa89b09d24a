"""The production pointer: it moves, it goes back, and it remembers."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bentos.model_store import ModelError
from bentos.production import default_version, earlier_version, history, in_production, promote, roll_back

NAME = "sample-reviews-onnx-int8"


@pytest.fixture
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path))
    (tmp_path / "models" / NAME).mkdir(parents=True)
    return NAME


def versions_in_production(name: str, *moves: str) -> list[str]:
    """What is in production after each move: a version to promote, or `back`."""
    versions = []
    for move in moves:
        if move == "back":
            roll_back(name)
        else:
            promote(f"{name}:{move}")
        versions.append(default_version(name))
    return versions


def test_without_a_promotion_the_latest_is_meant(name: str) -> None:
    assert (in_production(name), default_version(name), history(name)) == (None, "latest", [])


def test_a_rollback_goes_back_one_promotion_at_a_time(name: str) -> None:
    assert versions_in_production(name, "a", "b", "c", "back", "d", "back", "back") == list("abcbdba")
    assert [p["version"] for p in history(name)] == list("abcd")
    assert [p["rolled_back"] is None for p in history(name)] == [True, False, False, False]


def test_there_is_nothing_before_the_first(name: str) -> None:
    promote(f"{name}:a")
    with pytest.raises(ModelError, match="no earlier version"):
        roll_back(name)
    with pytest.raises(ModelError, match="no earlier version"):
        earlier_version(name)
    assert default_version(name) == "a"


def test_promotions_at_the_same_time_are_all_remembered(name: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: promote(f"{name}:{i}"), range(40)))
    assert sorted(int(p["version"]) for p in history(name)) == list(range(40))


@pytest.mark.parametrize("text", ["", "[]", "{}", "{"])
def test_a_damaged_file_is_named(name: str, tmp_path: Path, text: str) -> None:
    path = tmp_path / "models" / name / "production.json"
    path.write_text(text)
    with pytest.raises(ModelError, match=f"{path} is damaged"):
        in_production(name)
