"""Each system on the whole road: trained, packed, served, asked, logged, told the truth, judged."""

import base64
import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from bentoml.exceptions import InvalidArgument
from huggingface_hub import InferenceClient

from bentos.model_store import Entry, load_entry
from bentos.request_log import Row, read_log
from bentos.serve_args import ServeArgs, shadow_entry
from monitoring.__main__ import main as monitor
from monitoring.schema import RESULT
from tests.serving import ROOT, Server, bentoml, serve, until
from tests.systems import SYSTEMS, System
from train.__main__ import main as train
from train.score import main as score

RATINGS = pytest.mark.parametrize("road", ["book-ratings"], indirect=True)
SENT = 60
RIGHT_SOURCE, WRONG_SOURCE = "audit", "user"


@dataclass(frozen=True)
class Road:
    """A system that was trained and is served, and what it answered to held-out rows."""

    system: System
    server: Server
    folder: Path
    run: dict[str, Any]
    held_out: list[tuple[Any, Any]]  # inputs with their labels
    answers: list[Any]

    @property
    def entry(self) -> Entry:
        return load_entry(self.run["tags"]["onnx-int8"])

    @property
    def rows(self) -> list[Row]:
        return logged(self.server, self.entry.task.name, "held-out")


def logged(server: Server, task: str, request_id: str) -> list[Row]:
    """The rows of a request."""
    return [row for row in read_log(server.logs / task).rows if row["request_id"] == request_id]


def scores_of(answer: Any) -> dict[str, float]:
    return {one["label"]: one["score"] for one in answer}


def columns_of(given: Any, index: int, road: Road) -> list[str]:
    """An input as it stands in a file: texts, or the name of a picture beside it."""
    if road.entry.task.reads_pictures:
        name = f"{index}.png"
        (road.folder / name).write_bytes(base64.b64decode(given))
        return [name]
    return list(given.values()) if isinstance(given, dict) else [given]


@pytest.fixture(scope="module", params=SYSTEMS)
def road(
    request: pytest.FixtureRequest, store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Road]:
    folder = tmp_path_factory.mktemp("system")
    system = SYSTEMS[request.param](folder)
    assert train([*system.arguments, "--runs", str(folder), "--baseline"]) == 0
    run = json.loads((folder / system.task.name / "last_run.json").read_text())
    build = ["build", "--version", "packed", "--arg", f"task={system.path}", "--arg", "drain_seconds=0"]
    subprocess.run(bentoml(*build), cwd=ROOT, check=True, capture_output=True, timeout=120)
    held_out = system.held_out()[:SENT]
    with serve(folder, target=f"{system.task.name}:packed", cwd=folder) as server:
        body = {"inputs": [given for given, _ in held_out]}
        headers = {"X-Request-ID": "held-out"}
        answered = httpx.post(
            f"{server.url}/predict", json=body, headers=headers, timeout=60
        ).raise_for_status()
        for i, (_, label) in enumerate(held_out):
            for source, told in ((RIGHT_SOURCE, label), (WRONG_SOURCE, system.wrong(label))):
                note = {"request_id": "held-out", "index": i, "label": told, "source": source}
                httpx.post(f"{server.url}/feedback", json=note, timeout=30).raise_for_status()
        found = Road(system, server, folder, run, held_out, answered.json())
        until(lambda: len(found.rows) == len(held_out), server)
        yield found


@pytest.fixture(scope="module")
def result(road: Road) -> dict[str, Any]:
    """What the monitor says of the last hour, once all labels are in the log."""
    logs, out = road.server.logs, road.folder / "reports"
    folder = logs / road.entry.task.name
    until(
        lambda: sum(len(p.read_text().splitlines()) for p in folder.glob("feedback-*.jsonl")) == 2 * SENT,
        road.server,
    )
    monitor([road.system.path, "--logs", str(logs), "--out", str(out), "--since", "1h"])
    (path,) = out.rglob("result.json")
    return dict(json.loads(path.read_text()))


def test_it_has_learned_more_than_the_mean(road: Road) -> None:
    found, baseline = road.run["metrics"]["onnx-int8"], road.run["baseline"]
    assert found["n"] == baseline["n"] > SENT
    if "rmse" in found:
        assert found["rmse"] < 0.7 * road.run["baselines"]["mean"]["rmse"]
    elif "micro_f1" in found:
        assert found["micro_f1"] > 0.7
    else:
        assert found["accuracy"] > 0.6


def test_the_source_answers_as_the_packed_one(road: Road, tmp_path: Path) -> None:
    arguments = [f"task={road.system.path}", "drain_seconds=0"]
    with serve(tmp_path, *(part for one in arguments for part in ("--arg", one))) as server:
        body = {"inputs": [given for given, _ in road.held_out]}
        answered = httpx.post(f"{server.url}/predict", json=body, timeout=60).raise_for_status()
    assert answered.headers["x-model-tag"] == road.entry.tag
    for ours, packed in zip(answered.json(), road.answers, strict=True):
        assert scores_of(ours) == pytest.approx(scores_of(packed), abs=1e-4)


def test_an_input_gets_the_answer_of_the_hubs_client(road: Road) -> None:
    (given, _), *_ = road.held_out
    client = InferenceClient(model=f"{road.server.url}/predict")
    elements: Sequence[Any] = (
        client.image_classification(base64.b64decode(given))
        if road.entry.task.reads_pictures
        else client.text_classification(given)
    )
    assert [(one.label, one.score) for one in elements] == [
        (one["label"], one["score"]) for one in road.answers[0]
    ]


def test_a_file_gets_the_answers_of_the_service(road: Road) -> None:
    task, source, output = road.entry.task, road.folder / "in.parquet", road.folder / "out.parquet"
    rows = [columns_of(given, i, road) for i, (given, _) in enumerate(road.held_out)]
    pd.DataFrame(rows, columns=task.input_column_names).to_parquet(source)
    assert score([road.entry.tag, str(source), str(output)]) == 0
    # other texts in a call, other scales of int8: see "Score files" in the README
    near = 3 * road.entry.tolerance
    for row, (best, *_) in zip(pd.read_parquet(output).to_dict("records"), road.answers, strict=True):
        assert row["score"] == pytest.approx(best["score"], abs=near)
        ends = [row["low"], row["high"]] if "interval" in best else []
        assert ends == pytest.approx(best.get("interval", []), abs=near)
        assert {f"score_{label}" for label in task.labels} <= row.keys() or len(task.labels) == 1


def test_a_row_says_what_the_answer_said(road: Road) -> None:
    labels = list(road.entry.task.labels)
    for row, answer in zip(sorted(road.rows, key=lambda row: row["index"]), road.answers, strict=True):
        scores = scores_of(answer)
        assert row["probs"] == pytest.approx([scores[label] for label in labels], rel=1e-6)
        assert row["label"] == answer[0]["label"]


def test_the_result_has_its_form(result: dict[str, Any]) -> None:
    RESULT.validate_python(result)
    assert result["contract"] == []


def test_the_truth_does_not_alarm_and_the_contrary_does(result: dict[str, Any]) -> None:
    by_source = result["performance"]["by_source"]
    assert result["performance"]["decided_by"] == RIGHT_SOURCE
    assert {source: one["fell"] for source, one in by_source.items()} == {
        RIGHT_SOURCE: False,
        WRONG_SOURCE: True,
    }
    assert by_source[RIGHT_SOURCE]["labels"] == SENT


@RATINGS
def test_a_number_comes_with_its_interval(road: Road) -> None:
    interval = road.entry.interval
    assert interval is not None
    for (one,) in road.answers:
        low, high = one["interval"]
        assert (one["score"] - low, high - one["score"]) == pytest.approx((interval.half_width,) * 2)
    assert road.entry.metrics["interval_coverage"] == pytest.approx(interval.coverage, abs=0.1)


@RATINGS
def test_a_shadow_of_numbers_is_refused(road: Road) -> None:
    with pytest.raises(InvalidArgument, match="answers numbers; a shadow compares labels"):
        shadow_entry(ServeArgs(task=road.system.path, shadow="torch"), road.entry)


@RATINGS
def test_ten_thousand_items_are_ranked_in_one_request(road: Road) -> None:
    profile = road.held_out[0][0]["text"]
    pairs = [
        {"text": profile, "text_pair": f"Rated {i % 50 + 40}, {i} readers. Volume {i}"} for i in range(10_000)
    ]
    headers = {"X-Request-ID": "bulk"}
    answered = httpx.post(f"{road.server.url}/predict", json={"inputs": pairs}, headers=headers, timeout=120)
    scores = [one["score"] for (one,) in answered.raise_for_status().json()]
    assert len(set(scores)) > 100
    task = road.entry.task.name
    rows = until(lambda: len(found := logged(road.server, task, "bulk")) == 10_000 and found, road.server)
    assert [row["score"] for row in sorted(rows, key=lambda row: row["index"])] == pytest.approx(
        scores, rel=1e-6
    )
