"""Bad input to the running service: the status, one JSON object, no echo of the input."""

import json
import re
from pathlib import Path

import httpx
import pytest

from bentos.model_store import save_entry
from tests.serving import Server, serve, until

SECRET = "xyzzysecret"
CASES: dict[str, tuple[bytes | str, int, str]] = {
    "malformed JSON": ('{"inputs": "xyzzysecret"', 400, "not JSON in UTF-8: .* line 1 column 24"),
    "empty body": ("", 400, "not JSON"),
    "invalid UTF-8": (b'{"inputs": "xyzzysecret \xff\xfe"}', 400, "not JSON in UTF-8"),
    "lone surrogate": ('{"inputs": "xyzzysecret \\ud800"}', 400, "not JSON in UTF-8"),
    "endless nesting": ("[" * 100_000, 400, "not JSON"),
    "no object": ('["xyzzysecret"]', 400, "not a JSON object; expected .* inputs, parameters"),
    "unknown key": ('{"inputs": "a", "xyzzysecret": 1}', 400, "unknown key; expected .* inputs, parameters"),
    "no inputs": ("{}", 400, "inputs is missing; expected a text"),
    "null": ('{"inputs": null}', 400, "inputs is missing"),
    "empty list": ('{"inputs": []}', 400, "empty list; expected at least one"),
    "empty text": ('{"inputs": ""}', 400, "inputs is empty"),
    "only spaces": ('{"inputs": ["good", " \\n\\t "]}', 400, r"inputs\[1\] is empty or only spaces"),
    "only NUL": ('{"inputs": ["good", "\\u0000"]}', 400, r"inputs\[1\] holds no character"),
    "number": ('{"inputs": 7}', 400, "inputs is a number, expected a text"),
    "boolean in list": ('{"inputs": ["a", true]}', 400, r"inputs\[1\] is a boolean, expected a text"),
    "list in list": ('{"inputs": [["a"]]}', 400, r"inputs\[0\] is a list, expected a text"),
    "pair": ('{"inputs": {"text": "a", "text_pair": "b"}}', 400, "wrong texts, expected a text"),
    "text is a number": ('{"inputs": {"text": 1}}', 400, "text of inputs is a number"),
    "parameters is a list": ('{"inputs": "a", "parameters": []}', 400, "parameters is a list"),
    "unknown parameter": (
        '{"inputs": "a", "parameters": {"xyzzysecret": 1}}',
        400,
        "unknown key; known are top_k, function_to_apply, tags",
    ),
    "tags is a list": (
        '{"inputs": "a", "parameters": {"tags": []}}',
        400,
        "tags is a list, expected an object",
    ),
    "tag key": (
        '{"inputs": "a", "parameters": {"tags": {"Xyzzysecret": ""}}}',
        400,
        "expected a lower-case letter",
    ),
    "top_k 0": ('{"inputs": "a", "parameters": {"top_k": 0}}', 400, "top_k is not a whole number from 1"),
    "top_k true": ('{"inputs": "a", "parameters": {"top_k": true}}', 400, "top_k is not a whole number"),
    "top_k text": ('{"inputs": "a", "parameters": {"top_k": "1"}}', 400, "top_k is not a whole number"),
    "function": (
        '{"inputs": "a", "parameters": {"function_to_apply": "xyzzysecret"}}',
        400,
        "not one of softmax, sigmoid, none",
    ),
    "10,000 items": (json.dumps({"inputs": ["a"] * 10_000}), 413, "10,000 inputs .* at most 64"),
    "3 MB": (json.dumps({"inputs": SECRET * 300_000}), 413, "larger than 2,097,152 bytes"),
}
FEEDBACK = {"request_id": "r1", "index": 0, "label": "positive", "source": "user"}


def post(server: Server, route: str, body: object, **headers: str) -> httpx.Response:
    headers = {"Content-Type": "application/json", **headers}
    return httpx.post(f"{server.url}{route}", content=body, headers=headers, timeout=60)  # type: ignore[arg-type]


def check(response: httpx.Response, status: int, pattern: str) -> None:
    """One JSON object with one text, an id, and nothing of what was sent."""
    assert response.status_code == status
    answer = response.json()
    assert list(answer) == ["error"]
    assert re.search(pattern, answer["error"])
    assert SECRET not in answer["error"]
    assert response.headers["x-request-id"]


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_told(server: Server, name: str) -> None:
    body, status, pattern = CASES[name]
    check(post(server, "/predict", body), status, pattern)


def test_a_body_of_unknown_length_is_cut_off_too(server: Server) -> None:
    chunks = (b" " * 2**16 for _ in range(40))
    check(post(server, "/predict", chunks), 413, "larger than 2,097,152 bytes")


def test_a_megabyte_of_text_is_truncated_and_answered(server: Server) -> None:
    response = post(server, "/predict", json.dumps({"inputs": "word " * 200_000}))
    assert (response.status_code, response.headers["x-truncated"]) == (200, "1")


def test_nul_characters_within_a_text_are_no_fault(server: Server) -> None:
    response = post(server, "/predict", '{"inputs": "good\\u0000 game"}')
    assert response.status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/vnd.bentoml+pickle", "multipart/form-data"])
def test_another_content_type_is_refused(server: Server, kind: str) -> None:
    check(
        post(server, "/predict", SECRET, **{"Content-Type": kind}),
        415,
        "expected Content-Type: application/json",
    )


def test_an_unknown_route_lists_the_known_ones(server: Server) -> None:
    check(httpx.get(f"{server.url}/{SECRET}"), 404, "POST /predict")


def test_another_method_is_told(server: Server) -> None:
    check(httpx.get(f"{server.url}/predict"), 405, "GET was given; this route takes POST")


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        ({"request_id": None}, "request_id is not"),
        ({"request_id": "has space"}, "request_id is not"),
        ({"index": -1}, "index is not a whole number"),
        ({"index": True}, "index is not a whole number"),
        ({"label": SECRET}, "label is not one of negative, positive"),
        ({"label": 1}, "label is not one of negative, positive"),
        ({"source": SECRET}, "source is not one of audit, user"),
        ({SECRET: 1}, "unknown key; expected .* request_id, index, label, source"),
    ],
)
def test_bad_feedback_is_told(server: Server, change: dict[str, object], pattern: str) -> None:
    check(post(server, "/feedback", json.dumps({**FEEDBACK, **change})), 400, pattern)


def test_the_service_prints_neither_input_nor_traceback(server: Server) -> None:
    for body, _, _ in CASES.values():
        post(server, "/predict", body)
    output = server.output.read_text()
    assert SECRET not in output.replace(f"/{SECRET}", "")  # a path is no input
    assert "Traceback" not in output


def test_a_late_answer_is_a_time_out(store: Path, tmp_path: Path) -> None:
    with serve(tmp_path, "--arg", "version=tiny", "--arg", "timeout=1e-6") as server:
        check(post(server, "/predict", '{"inputs": "a"}'), 504, "no answer within 1e-06 s")


def test_a_model_that_computes_something_else_is_not_served(entry_copy: Path, tmp_path: Path) -> None:
    path = entry_copy / "canonical.json"
    cases = json.loads(path.read_text())
    cases[0]["logits"][0] += 1.0
    path.write_text(json.dumps(cases))
    save_entry(entry_copy, "sample-reviews-onnx-int8:wrong")
    with serve(tmp_path, "--arg", "version=wrong", ready=False) as server:
        until(lambda: "Not ready: " in server.output.read_text(), server)
        until(lambda: _answers(f"{server.url}/livez"), server)
        check(httpx.get(f"{server.url}/readyz"), 503, "Not ready: .* computes something else")
        check(post(server, "/predict", '{"inputs": "a"}'), 503, "computes something else on this machine")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False
