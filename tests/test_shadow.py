"""A shadow computes a share of the answers too, and never gets in their way."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bentos.preprocess import Input
from bentos.request_log import Row, open_log, read_log
from bentos.shadow import AT_ONCE, Shadow
from bentos.task import Monitoring
from tests.serving import Server, is_ready, serve, until, worker_of
from tests.test_service import TEXT, predict

TEXTS = [
    f"The {aspect} is {word}." for aspect in ("game", "music", "story") for word in ("good", "bad", "dull")
]


@pytest.fixture(scope="module")
def shadowed(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    arguments = ("version=tiny", "shadow=torch", "shadow_share=1")
    folder = tmp_path_factory.mktemp("shadow")
    with serve(folder, *(part for argument in arguments for part in ("--arg", argument))) as server:
        until(lambda: pair_counts(server) or not predict(server, TEXT), server)  # the shadow is there
        yield server


def pair_counts(server: Server) -> Counter[tuple[str, str]]:
    """Inputs by (label, shadow's label), as /metrics tells."""
    families = text_string_to_metric_families(httpx.get(f"{server.url}/metrics", timeout=30).text)
    return Counter(
        {
            (sample.labels["label"], sample.labels["shadow_label"]): int(sample.value)
            for family in families
            for sample in family.samples
            if sample.name == "touchstone_shadow_items_total"
        }
    )


def shadow_rows(server: Server) -> list[Row]:
    return read_log(server.logs / "sample-reviews", "shadow").rows


def pairs_logged(server: Server) -> Counter[tuple[str, str]]:
    """The same, computed from the log."""
    return Counter((row["label"], row["shadow_label"]) for row in shadow_rows(server))


def shadow_process(server: Server) -> psutil.Process:
    children = psutil.Process(server.process.pid).children()
    return next(child for child in children if "sample-reviews-shadow" in child.cmdline())


def test_the_metrics_equal_a_computation_on_the_log(shadowed: Server) -> None:
    request_id = predict(shadowed, TEXTS).headers["x-request-id"]
    rows = until(lambda: [r for r in shadow_rows(shadowed) if r["request_id"] == request_id], shadowed)
    assert [row["index"] for row in rows] == list(range(len(TEXTS)))
    until(lambda: pair_counts(shadowed) == pairs_logged(shadowed), shadowed)
    assert pair_counts(shadowed).total() >= len(TEXTS)


def test_a_row_holds_both_answers(shadowed: Server) -> None:
    answer = predict(shadowed, TEXTS[0])
    request_id = answer.headers["x-request-id"]
    row = until(lambda: [r for r in shadow_rows(shadowed) if r["request_id"] == request_id], shadowed)[0]
    assert (row["model_tag"], row["shadow_tag"]) == (
        "sample-reviews-onnx-int8:tiny",
        "sample-reviews-torch:tiny",
    )
    best = answer.json()[0]
    assert (row["label"], row["score"]) == (best["label"], pytest.approx(best["score"], abs=1e-5))
    assert row["shadow_score"] == pytest.approx(row["score"], abs=0.1)
    assert row["agrees"] == (row["label"] == row["shadow_label"])


@pytest.mark.skipif(sys.platform != "linux", reason="idle priority is Linux's")
def test_it_runs_at_idle_priority(shadowed: Server) -> None:
    process = shadow_process(shadowed)
    assert {os.sched_getscheduler(thread.id) for thread in process.threads()} == {os.SCHED_IDLE}
    autogroup = Path(f"/proc/{process.pid}/autogroup")  # priorities count within one only
    assert not autogroup.exists() or autogroup.read_text().split()[-1] == "19"


def test_the_service_does_not_need_it(shadowed: Server) -> None:
    process = shadow_process(shadowed)
    process.send_signal(signal.SIGSTOP)
    try:
        assert is_ready(shadowed)
        for _ in range(20):
            assert predict(shadowed, TEXT).status_code == 200
    finally:
        process.send_signal(signal.SIGCONT)


def test_a_killed_shadow_comes_back_and_nothing_else_is_renewed(shadowed: Server) -> None:
    api, shadow = worker_of(shadowed, "sample-reviews"), shadow_process(shadowed)
    shadow.kill()
    before = pair_counts(shadowed).total()
    until(lambda: not predict(shadowed, TEXT) or pair_counts(shadowed).total() > before, shadowed)
    assert shadow_process(shadowed).pid != shadow.pid
    assert worker_of(shadowed, "sample-reviews") == api


def test_a_shadow_of_other_labels_is_refused(store: Path, tmp_path: Path) -> None:
    with serve(tmp_path, "--arg", "version=tiny", "--arg", "shadow=absent", ready=False) as server:
        server.process.wait(60)
    assert "--arg shadow=absent: No model 'sample-reviews-onnx-int8:absent'" in server.output.read_text()


def test_it_is_asked_for_a_few_inputs_at_a_time_and_only_in_calm(tmp_path: Path) -> None:
    asked: list[list[Input]] = []
    texts = [f"text {i}" for i in range(2 * AT_ONCE + 1)]

    async def ask(inputs: list[Input]) -> list[list[float]]:
        asked.append(inputs)
        return [[0.2, 0.8]] * len(inputs)

    async def offer_and_wait() -> None:
        calm = asyncio.Semaphore(0)
        shadow = Shadow(ask, calm.acquire, "other", ("bad", "good"), 1, log)
        shadow.offer("one", "this", texts, np.array([[0.9, 0.1]] * len(texts)))
        for times in range(1, 4):
            await asyncio.sleep(0.05)
            assert len(asked) == times - 1
            calm.release()
        await asyncio.sleep(0.05)
        shadow.close()

    log = open_log(tmp_path, "shadow", Monitoring())
    asyncio.run(offer_and_wait())
    assert [text for inputs in asked for text in inputs] == texts
    assert max(map(len, asked)) == AT_ONCE
    rows = read_log(tmp_path, "shadow").rows
    assert [(row["index"], row["shadow_score"], row["agrees"]) for row in rows] == [
        (i, 0.2, False) for i in range(len(texts))
    ]
