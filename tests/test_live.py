"""A running service goes over to the version in production, and loses nothing in it."""

import asyncio
import json
import threading
import time
import weakref
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from bentos.live import Live, give_memory_back
from bentos.model_store import ModelError, check_interchangeable
from bentos.task import load_task
from tests.serving import Server, is_ready, serve, until
from tests.test_service import TEXT, metric, predict
from tests.versions import FIRST, SECOND, add_version, own_store, promote

INT8 = "sample-reviews-onnx-int8"


def answering(server: Server) -> str:
    return predict(server, TEXT).headers["x-model-tag"].partition(":")[2]


@pytest.mark.parametrize("variant", ["onnx-int8", "torch"])
def test_it_follows_a_promotion_and_a_rollback_under_load(store: Path, tmp_path: Path, variant: str) -> None:
    home, name = own_store(store, tmp_path), f"sample-reviews-{variant}"
    statuses, ending = [], threading.Event()

    def ask(server: Server) -> None:
        with httpx.Client(timeout=30) as client:
            while not ending.wait(0.05):
                response = client.post(f"{server.url}/predict", json={"inputs": f"{TEXT} {len(statuses)}"})
                statuses.append((response.status_code, response.headers.get("x-model-tag")))

    with serve(tmp_path, "--arg", f"variant={variant}", "--arg", "api_workers=2") as server:
        clients = [threading.Thread(target=ask, args=(server,)) for _ in range(4)]
        for client in clients:
            client.start()
        sure = {answering(server): predict(server, TEXT).json()[0]["score"]}
        for arguments, version in (
            ([f"{name}:{FIRST}"], FIRST),
            ([f"{name}:{SECOND}"], SECOND),
            ([name, "--rollback"], FIRST),
        ):
            assert promote(home, *arguments).returncode == 0
            until(lambda version=version: all(answering(server) == version for _ in range(8)), server)
            sure[version] = predict(server, TEXT).json()[0]["score"]
        ending.set()
        for client in clients:
            client.join()
    assert {status for status, _ in statuses} == {200}
    assert {tag for _, tag in statuses} == {f"{name}:{FIRST}", f"{name}:{SECOND}"}
    assert sure[SECOND] < sure[FIRST]


def test_a_version_that_computes_something_else_is_not_followed(store: Path, tmp_path: Path) -> None:
    home = own_store(store, tmp_path)
    cases = json.loads((home / "models" / INT8 / FIRST / "canonical.json").read_text())
    cases[0]["logits"][0] += 1.0
    add_version(home, INT8, "wrong", "canonical.json", cases)
    with serve(tmp_path) as server:
        pointer = {"version": "wrong", "promoted": "2026-01-01T00:00:00Z", "rolled_back": None}
        (home / "models" / INT8 / "production.json").write_text(json.dumps({"promotions": [pointer]}))
        until(lambda: metric(server, 'touchstone_promotions_total{outcome="refused"}'), server)
        assert is_ready(server)
        assert answering(server) == FIRST
        output = server.output.read_text()
        assert f"{INT8}:wrong is refused: '{INT8}:wrong' computes something else" in output
        assert "Traceback" not in output


def test_a_version_asked_for_stays(store: Path, tmp_path: Path) -> None:
    home = own_store(store, tmp_path)
    with serve(tmp_path, "--arg", f"version={FIRST}") as server:
        assert promote(home, f"{INT8}:{SECOND}").returncode == 0
        time.sleep(3)  # the pointer is looked at every second
        assert answering(server) == FIRST


def test_a_new_service_starts_with_the_version_in_production(store: Path, tmp_path: Path) -> None:
    assert promote(own_store(store, tmp_path), f"{INT8}:{SECOND}").returncode == 0
    with serve(tmp_path) as server:
        assert answering(server) == SECOND


def test_a_version_is_retired_when_nobody_uses_it_any_more() -> None:
    retired: list[str] = []

    async def load(tag: str) -> str:
        return f"model of {tag}"

    async def swap_while_in_use() -> None:
        live = Live("a", "model of a", load, retired.append)
        with live.use() as used:
            swap = asyncio.create_task(live.swap("b"))
            while live.current == used:
                await asyncio.sleep(0)
            await asyncio.sleep(0.3)
            assert (used, live.current, retired) == ("model of a", "model of b", [])
            assert await swap
        while not retired:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(swap_while_in_use(), 10))
    assert retired == ["model of a"]


def test_it_is_told_when_few_use_the_version() -> None:
    seen: list[str] = []

    async def load(tag: str) -> str:
        return f"model of {tag}"

    async def tell(live: Live[str]) -> None:
        await live.fewer_users_than(1)
        seen.append("none")

    async def use() -> None:
        live = Live("a", "model of a", load, lambda model: None)
        with live.use():
            told = asyncio.create_task(tell(live))
            with live.use():
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.01)
            seen.append("one")
        await told

    asyncio.run(asyncio.wait_for(use(), 10))
    assert seen == ["one", "none"]


@dataclass
class Model:
    """Something that can be watched ending."""

    tag: str


def test_nothing_holds_a_retired_version() -> None:
    async def load(tag: str) -> Model:
        return Model(tag)

    async def swap() -> None:
        live = Live("a", Model("a"), load, lambda model: None)
        first = weakref.ref(live.current)
        assert await live.swap("b")
        while first() is not None:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(swap(), 10))


def test_memory_can_be_given_back_anywhere() -> None:
    give_memory_back()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ("no", "yes")}, "its labels are .'no', 'yes'., those served"),
        ({"text_column_names": ("a", "b")}, "pairs of texts"),
    ],
)
def test_a_version_that_answers_another_question_is_refused(change: dict[str, object], message: str) -> None:
    task = load_task("sample-reviews")
    with pytest.raises(ModelError, match=message):
        check_interchangeable(task, replace(task, **change))  # type: ignore[arg-type]
