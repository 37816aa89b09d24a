"""`variant=torch`: the model in a runner process behind `bentoml.depends`, here on the CPU."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.serving import Server, until
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
