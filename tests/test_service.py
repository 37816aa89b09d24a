"""The running service: answers, clients, the request log, feedback, metrics."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bentoml
import httpx
import psutil
import pytest
from huggingface_hub import InferenceClient

from bentos.request_log import Row, read_feedback, read_log
from tests.serving import ROOT, Server, until

TEXT = "The game is great."


def predict(server: Server, inputs: object, **parameters: object) -> httpx.Response:
    body = {"inputs": inputs, "parameters": parameters} if parameters else {"inputs": inputs}
    return httpx.post(f"{server.url}/predict", json=body, timeout=30).raise_for_status()


def logged(server: Server, request_id: str) -> list[Row]:
    """The rows of a request, once they are there."""
    folder = server.logs / "sample-reviews"
    return until(lambda: [r for r in read_log(folder).rows if r["request_id"] == request_id], server)


def metric(server: Server, name: str) -> float:
    """The sum of a metric over its labels; 0 when it is not there."""
    lines = httpx.get(f"{server.url}/metrics", timeout=30).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def test_the_workers_ask_for_huge_pages(server: Server) -> None:
    workers = psutil.Process(server.process.pid).children()
    assert [w.environ()["GLIBC_TUNABLES"] for w in workers] == ["glibc.malloc.hugetlb=1"]


def test_one_text_gets_one_ranking(server: Server) -> None:
    answer = predict(server, TEXT).json()
    assert {item["label"] for item in answer} == {"negative", "positive"}
    assert answer[0]["score"] >= answer[1]["score"]
    assert sum(item["score"] for item in answer) == pytest.approx(1)


def test_a_list_gets_a_list_in_its_order(server: Server) -> None:
    texts = [TEXT, "I found the music rather dull!", "broken", TEXT]
    assert predict(server, texts).json() == [predict(server, text).json() for text in texts]


def test_a_text_may_come_as_an_object(server: Server) -> None:
    assert predict(server, {"text": TEXT}).json() == predict(server, TEXT).json()


def test_top_k_cuts_the_ranking(server: Server) -> None:
    assert predict(server, TEXT, top_k=1).json() == predict(server, TEXT).json()[:1]


@pytest.mark.parametrize("function", ["softmax", "sigmoid", "none"])
def test_function_to_apply_changes_the_scores_but_not_the_order(server: Server, function: str) -> None:
    applied, usual = predict(server, TEXT, function_to_apply=function).json(), predict(server, TEXT).json()
    assert [item["label"] for item in applied] == [item["label"] for item in usual]


def test_the_answer_says_which_model_gave_it(server: Server) -> None:
    assert predict(server, TEXT).headers["x-model-tag"] == "sample-reviews-onnx-int8:tiny"


def test_truncation_is_told_in_the_header_and_in_the_log(server: Server) -> None:
    response = predict(server, [TEXT, "long " * 200])
    assert response.headers["x-truncated"] == "1"
    assert [row["truncated"] for row in logged(server, response.headers["x-request-id"])] == [False, True]
    assert "x-truncated" not in predict(server, TEXT).headers


def test_a_given_request_id_is_kept(server: Server) -> None:
    headers = {"X-Request-ID": "order-66/a"}
    response = httpx.post(f"{server.url}/predict", json={"inputs": TEXT}, headers=headers)
    assert response.headers["x-request-id"] == "order-66/a"
    assert logged(server, "order-66/a")[0]["label"] == response.json()[0]["label"]


@pytest.mark.parametrize("given", ["has space", "x" * 129, "é"])
def test_another_request_id_is_replaced(server: Server, given: str) -> None:
    headers = {"X-Request-ID": given.encode()}
    response = httpx.post(f"{server.url}/predict", json={"inputs": TEXT}, headers=headers)
    assert len(response.headers["x-request-id"]) == 32


def test_a_row_holds_what_the_answer_said_but_not_the_text(server: Server) -> None:
    response = predict(server, TEXT, function_to_apply="none")
    (row,) = logged(server, response.headers["x-request-id"])
    assert row["model_tag"] == "sample-reviews-onnx-int8:tiny"
    assert sum(row["probs"]) == pytest.approx(1)  # calibrated, whatever function was applied
    assert row["latency_ms"] > 0
    assert "text" not in row


def test_every_row_of_a_request_has_its_tags(server: Server) -> None:
    tagged = predict(server, [TEXT, TEXT], tags={"app": "730", "language": "english"})
    rows = logged(server, tagged.headers["x-request-id"])
    assert [row["tags"] for row in rows] == [{"app": "730", "language": "english"}] * 2
    assert "tags" not in logged(server, predict(server, TEXT).headers["x-request-id"])[0]


def test_every_input_is_logged_exactly_once(server: Server) -> None:
    ids = [f"once-{i}" for i in range(500)]
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(_send, client, server, request_id) for request_id in ids]
        assert {call.result() for call in calls} == {200}
    folder = server.logs / "sample-reviews"

    def rows() -> list[str]:
        return [r["request_id"] for r in read_log(folder).rows if r["request_id"].startswith("once-")]

    until(lambda: len(rows()) >= len(ids), server)
    assert sorted(rows()) == sorted(ids)


def _send(client: httpx.Client, server: Server, request_id: str) -> int:
    body, headers = {"inputs": f"{TEXT} {request_id}"}, {"X-Request-ID": request_id}
    return client.post(f"{server.url}/predict", json=body, headers=headers).status_code


def test_feedback_joins_the_log(server: Server) -> None:
    request_id = predict(server, TEXT).headers["x-request-id"]
    body = {"request_id": request_id, "index": 0, "label": "negative", "source": "audit"}
    for label in ("negative", "positive"):
        response = httpx.post(f"{server.url}/feedback", json={**body, "label": label})
        assert (response.status_code, response.json()) == (202, {"status": "accepted"})

    def labels() -> list[str]:
        rows = read_feedback(server.logs / "sample-reviews").rows
        return [row["label"] for row in rows if row["request_id"] == request_id]

    until(lambda: labels() == ["positive"], server)  # the last one counts


def test_the_stock_hugging_face_client_works(server: Server) -> None:
    answer = InferenceClient(timeout=30).text_classification(TEXT, model=f"{server.url}/predict")
    assert [{"label": item.label, "score": item.score} for item in answer] == predict(server, TEXT).json()


def test_the_stock_hugging_face_client_may_give_parameters(server: Server) -> None:
    client = InferenceClient(model=f"{server.url}/predict", timeout=30)
    answer = client.text_classification(TEXT, top_k=1, function_to_apply="sigmoid")
    expected = predict(server, TEXT, top_k=1, function_to_apply="sigmoid").json()
    assert [{"label": item.label, "score": item.score} for item in answer] == expected


def test_the_client_of_bentoml_works(server: Server) -> None:
    parameters = {"top_k": 1, "tags": {"client": "bentoml"}}
    with bentoml.SyncHTTPClient(server.url) as client:
        assert client.predict(inputs=TEXT) == predict(server, TEXT).json()
        assert client.predict(inputs=[TEXT], parameters=parameters) == predict(server, [TEXT], top_k=1).json()
    folder = server.logs / "sample-reviews"
    until(lambda: any(row.get("tags") == parameters["tags"] for row in read_log(folder).rows), server)


@pytest.mark.parametrize("route", ["/livez", "/readyz", "/metrics", "/docs.json"])
def test_the_operational_routes_answer(server: Server, route: str) -> None:
    assert httpx.get(f"{server.url}{route}").status_code == 200


def test_the_schema_is_documented(server: Server) -> None:
    paths = httpx.get(f"{server.url}/docs.json").json()["paths"]
    assert {"/predict", "/feedback"} <= set(paths)


@pytest.mark.parametrize(
    "name",
    [
        'touchstone_answers_total{label="',
        "touchstone_truncated_inputs_total",
        "touchstone_batches_total",
        "touchstone_computed_items_total",
        'touchstone_log_rows_written_total{kind="requests"}',
        'touchstone_model{model_tag="sample-reviews-onnx-int8:tiny"',
    ],
)
def test_metrics_count(server: Server, name: str) -> None:
    predict(server, [TEXT, "long " * 200])
    assert until(lambda: metric(server, name), server) >= 1


def test_a_caller_in_the_same_process_gets_the_same_answer(server: Server, tmp_path: Path) -> None:
    code = (
        "import asyncio, service; classifier = service.svc.inner(); "
        "print(asyncio.run(classifier.predict(inputs='A fine game.'))); classifier.close()"
    )
    environment = {**os.environ, "TOUCHSTONE_LOGS": str(tmp_path)}
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    answer = httpx.post(f"{server.url}/predict", json={"inputs": "A fine game."}).json()
    assert done.stdout.strip() == str(answer)
    (log,) = (tmp_path / "sample-reviews").glob("requests-*")
    assert log.stat().st_size > 0
