"""The published OpenAPI document: valid, and true of the running service as Schemathesis sees it."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import schemathesis

from bentos.openapi import ERRORS, ROUTE_ERRORS, openapi
from bentos.schema import feedback_row, read_inputs, read_parameters
from bentos.task import Task, load_task
from tests.serving import Server

SINGLE = load_task("sample-reviews")
PAIR = replace(SINGLE, text_column_names=("one", "two"))
RATING = replace(PAIR, labels=("rating",), problem_type="regression")
SEVERAL = replace(SINGLE, problem_type="multi_label_classification")
PICTURE = load_task("image-attributes")
NAMED = {"single": SINGLE, "pair": PAIR, "rating": RATING, "several": SEVERAL, "picture": PICTURE}
TASKS = pytest.mark.parametrize("task", NAMED.values(), ids=NAMED)

SETTINGS = """
[generation]
deterministic = true
max-examples = 50

[checks]
negative_data_rejection.expected-statuses = [400, 413, 415]
"""
CONFORMANCE = "not_a_server_error,status_code_conformance,content_type_conformance"
CONFORMANCE += ",response_headers_conformance,response_schema_conformance"


@pytest.mark.parametrize(
    ("codec", "checks"),
    [
        ("ascii", "all"),
        ("utf-8", CONFORMANCE),
    ],  # which of Unicode's oddities are a text is the tokenizer's say
)
def test_schemathesis_finds_no_difference(server: Server, tmp_path: Path, codec: str, checks: str) -> None:
    """From a file, for it would leave the route out that it was given the document by."""
    (tmp_path / "docs.json").write_text(httpx.get(f"{server.url}/docs.json", timeout=30).text)
    (tmp_path / "settings.toml").write_text(SETTINGS)
    command = [
        str(Path(sys.executable).with_name("st")),
        "--config-file",
        "settings.toml",
        "run",
        "docs.json",
    ]
    command += ["--url", server.url, "--checks", checks, "--generation-codec", codec, "--no-color"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Tested: 6" in done.stdout


def test_the_service_publishes_the_document(server: Server, entry) -> None:  # type: ignore[no-untyped-def]
    assert httpx.get(f"{server.url}/docs.json", timeout=30).json() == openapi(entry.task)


@TASKS
def test_the_document_is_valid(task: Task) -> None:
    schemathesis.openapi.from_dict(json.loads(json.dumps(openapi(task)))).validate()


@TASKS
def test_the_examples_of_requests_are_read(task: Task) -> None:
    for body in examples(task, "/predict"):
        assert read_inputs(body["inputs"], task)
        assert read_parameters(body.get("parameters"))
    for body in examples(task, "/feedback"):
        assert feedback_row(body, task)["label"] == body["label"]


def test_every_status_is_documented_somewhere() -> None:
    assert {status for statuses in ROUTE_ERRORS.values() for status in statuses} == ERRORS.keys()


def examples(task: Task, path: str) -> list[dict[str, object]]:
    """The bodies that the document shows for a POST route."""
    content = openapi(task)["paths"][path]["post"]["requestBody"]["content"]
    return [example["value"] for example in content["application/json"]["examples"].values()]
