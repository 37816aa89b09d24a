"""`variant=torch`: the model in a runner process behind `bentoml.depends`, here on the CPU."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from tests.serving import Server, serve, until
from tests.test_service import TEXT, logged, metric, predict


def test_it_agrees_with_the_int8_variant(server: Server, torch_server: Server) -> None:
    ours, theirs = (predict(s, TEXT, function_to_apply="none").json() for s in (torch_server, server))
    assert [item["label"] for item in ours] == [item["label"] for item in theirs]
    assert ours[0]["score"] == pytest.approx(theirs[0]["score"], abs=0.2)


def test_a_list_gets_a_list_in_its_order(torch_server: Server) -> None:
    texts = [TEXT, "I found the music rather dull!", "broken"]
    one_by_one = [predict(torch_server, text).json() for text in texts]
    for ours, alone in zip(predict(torch_server, texts).json(), one_by_one, strict=True):
        assert [item["label"] for item in ours] == [item["label"] for item in alone]
        assert ours[0]["score"] == pytest.approx(alone[0]["score"], abs=1e-5)


def test_64_connections_get_their_answers(torch_server: Server) -> None:
    limits = httpx.Limits(max_connections=64)
    with httpx.Client(timeout=60, limits=limits) as client, ThreadPoolExecutor(64) as pool:
        url = f"{torch_server.url}/predict"
        responses = list(pool.map(lambda i: client.post(url, json={"inputs": f"{TEXT} {i}"}), range(500)))
    assert {response.status_code for response in responses} == {200}


def test_the_api_process_logs_and_the_runner_counts(torch_server: Server) -> None:
    response = predict(torch_server, TEXT)
    assert (
        logged(torch_server, response.headers["x-request-id"])[0]["model_tag"] == "sample-reviews-torch:tiny"
    )
    assert until(lambda: metric(torch_server, "touchstone_computed_items_total"), torch_server) >= 1


def test_a_refusal_crosses_the_hop(torch_server: Server) -> None:
    assert httpx.post(f"{torch_server.url}/predict", json={"inputs": []}).status_code == 400


def test_both_processes_measure_their_stages(torch_server: Server) -> None:
    predict(torch_server, TEXT)
    for stage in ("tokenize", "wait", "compute", "request"):
        name = f"touchstone_{stage}_seconds_count"
        assert until(lambda name=name: metric(torch_server, name), torch_server) >= 1


def test_overload_is_refused_with_a_time_to_come_back(store: Path, tmp_path: Path) -> None:
    arguments = ("version=tiny", "variant=torch", "max_queue_tokens=64", "answer_cache=0", "api_workers=2")
    with serve(tmp_path, *(part for argument in arguments for part in ("--arg", argument))) as server:
        url = f"{server.url}/predict"
        limits = httpx.Limits(max_keepalive_connections=64)  # it closes more than that while others read them
        with httpx.Client(timeout=60, limits=limits) as client, ThreadPoolExecutor(64) as pool:
            long = [f"{i} {'good ' * 50}" for i in range(300)]
            responses = list(pool.map(lambda text: client.post(url, json={"inputs": text}), long))
        assert {response.status_code for response in responses} == {200, 429}
        assert all(int(r.headers["retry-after"]) >= 1 for r in responses if r.status_code == 429)
        assert "Traceback" not in server.output.read_text()


def test_a_client_that_leaves_has_its_inputs_dropped(store: Path, tmp_path: Path) -> None:
    arguments = ("version=tiny", "variant=torch", "answer_cache=0", "max_batch_tokens=64")  # one text a call
    with serve(tmp_path, *(part for argument in arguments for part in ("--arg", argument))) as server:

        def leave(client: int) -> None:
            texts = [f"{client} {i} {'good ' * 50}" for i in range(64)]
            with contextlib.suppress(httpx.TimeoutException):
                httpx.post(f"{server.url}/predict", json={"inputs": texts}, timeout=0.3)

        with ThreadPoolExecutor(32) as pool:
            list(pool.map(leave, range(64)))
        assert until(lambda: metric(server, "touchstone_abandoned_items_total"), server)


def test_each_gpu_has_a_runner(store: Path, tmp_path: Path) -> None:
    arguments = ("--arg", "version=tiny", "--arg", "variant=torch", "--arg", "gpus=2")
    with serve(tmp_path, *arguments) as server:
        processes = psutil.Process(server.process.pid).children()
        assert sum("sample-reviews-runner" in process.cmdline() for process in processes) == 2
        assert all(predict(server, f"{TEXT} {i}").is_success for i in range(20))
