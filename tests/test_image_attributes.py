"""Pictures go the whole road: trained from class folders, served, logged, judged, corrected."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
from huggingface_hub import InferenceClient
from PIL import Image, ImageFilter
from playwright.sync_api import expect, sync_playwright

from bentos.model_store import load_entry, load_model, preprocess_of, read_reference, self_check
from bentos.openapi import openapi
from bentos.pictures import PICTURE_NUMBERS
from bentos.request_log import Row, read_feedback, read_log
from monitoring.__main__ import main as monitor
from tests.browser import launched, opened
from tests.pictures import LABELS, TINY, class_folders, file_of, picture
from tests.serving import Server, serve, until
from tests.test_pictures import BOMBS
from train.__main__ import main as train
from train.data import load_splits
from train.evaluate import entry_logits
from train.retrain import main as retrain
from train.score import main as score

NAME = "image-attributes"
LOGITS_APART = 0.3  # of int8 and torch at most; fp32 ONNX and torch agree to rounding
VARIANTS = ("torch", "onnx", "onnx-int8")
LIGHT = file_of(picture("light", 5001), "JPEG")
DARK = file_of(picture("dark", 5002), "JPEG")


@pytest.fixture(scope="module")
def runs(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny ViT trained on synthetic pictures, stored in every variant."""
    folder = tmp_path_factory.mktemp("pictures")
    sets = [*TINY, f"train_dir={class_folders(folder / 'data', n=300)}", "test_split_percentage=40"]
    sets += ["training.num_train_epochs=6", "training.learning_rate=2.0e-3", "serving.max_items=8"]
    arguments = [part for pair in sets for part in ("--set", pair)]
    command = [NAME, "--runs", str(folder / "runs"), *arguments, "--baseline", "--variants", *VARIANTS]
    assert train(command) == 0
    return folder / "runs"


@pytest.fixture(scope="module")
def last_run(runs: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((runs / NAME / "last_run.json").read_text())
    return found


@pytest.fixture(scope="module")
def server(last_run: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(
        tmp_path_factory.mktemp("serve"), "--arg", f"task={NAME}", "--arg", "drain_seconds=0"
    ) as server:
        yield server


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def ask(server: Server, inputs: object, **fields: object) -> httpx.Response:
    return httpx.post(f"{server.url}/predict", json={"inputs": inputs, **fields}, timeout=30)


def best(answer: Any) -> str:
    return str(answer[0]["label"])


def rows_of(server: Server, request_id: str) -> list[Row]:
    """The log rows of a request, once they are there."""
    folder = server.logs / NAME
    return until(lambda: [r for r in read_log(folder).rows if r["request_id"] == request_id], server)


def send(server: Server, images: list[Image.Image]) -> str:
    """Each in a request of its own, until a window that ends with a whole second holds them; its start."""
    since = datetime.now(UTC).isoformat()
    with httpx.Client(base_url=server.url, timeout=30) as client:
        for image in images:
            answer = client.post("/predict", json={"inputs": in_base64(file_of(image))}).raise_for_status()
    (last,) = rows_of(server, answer.headers["x-request-id"])
    until(lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}" > last["ts"][:19], server)
    return since


def judged(server: Server, since: str, out: Path) -> dict[str, Any]:
    """What monitoring says of what came after that."""
    arguments = [NAME, "--since", since, "--logs", str(server.logs), "--out", str(out)]
    monitor([*arguments, "--fail-on", "none"])
    (path,) = out.rglob("result.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def fresh(n: int, seed: int) -> list[Image.Image]:
    """As many of each label, in turn."""
    return [picture(LABELS[i % 2], seed + i) for i in range(n)]


def test_the_pictures_that_a_file_names_are_scored(last_run: dict[str, Any], tmp_path: Path) -> None:
    for i, image in enumerate(fresh(6, seed=7000)):
        (tmp_path / f"{i}.png").write_bytes(file_of(image))
    (tmp_path / "broken.png").write_bytes(LIGHT[:200])
    names = [*(f"{i}.png" for i in range(6)), "broken.png", "absent.png"]
    (tmp_path / "in.csv").write_text("image\n" + "".join(f"{name}\n" for name in names))
    assert (
        score([last_run["tags"]["onnx-int8"], str(tmp_path / "in.csv"), str(tmp_path / "out.parquet")]) == 0
    )
    table = pq.read_table(tmp_path / "out.parquet")
    assert table["image"].to_pylist() == names
    assert table["label"].to_pylist() == [*LABELS * 3, None, None]


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_variant_learns_and_checks_itself(last_run: dict[str, Any], variant: str) -> None:
    entry = load_entry(last_run["tags"][variant])
    self_check(entry, load_model(variant, entry.path, entry.task), preprocess_of(entry))
    assert entry.metrics["accuracy"] > 0.9
    assert entry.metrics["baseline"]["accuracy"] > 0.9


def test_the_variants_agree(last_run: dict[str, Any]) -> None:
    entries = {name: load_entry(last_run["tags"][name]) for name in VARIANTS}
    rows = load_splits(entries["torch"].task).test
    torch, onnx, int8 = (entry_logits(entries[name], rows) for name in VARIANTS)
    np.testing.assert_allclose(onnx, torch, atol=1e-4)
    assert np.abs(int8 - torch).max() < LOGITS_APART
    assert (int8.argmax(axis=1) == torch.argmax(axis=1)).mean() > 0.98


def test_an_entry_holds_what_pictures_need(last_run: dict[str, Any]) -> None:
    entry = load_entry(last_run["tags"]["onnx-int8"])
    names = {path.name for path in entry.path.iterdir()}
    assert {"preprocessor_config.json", "model_quantized.onnx", "reference.jsonl"} <= names
    assert not {"vocabulary.json", "tokenizer.json"} & names
    row = read_reference(entry)[0]
    assert set(PICTURE_NUMBERS) < row.keys()
    assert not {"n_chars", "n_tokens", "buckets", "image_hash"} & row.keys()


def test_a_picture_in_base64_is_answered(server: Server) -> None:
    assert best(ask(server, in_base64(LIGHT)).json()) == "light"
    assert best(ask(server, in_base64(DARK)).json()) == "dark"


@pytest.mark.parametrize(
    "change", [base64.encodebytes, lambda data: b"data:image/jpeg;base64," + base64.b64encode(data)]
)
def test_other_spellings_of_base64_are_read(server: Server, change: Any) -> None:
    assert ask(server, change(LIGHT).decode()).json() == ask(server, in_base64(LIGHT)).json()


def test_a_list_is_answered_in_its_order(server: Server) -> None:
    answer = ask(server, [in_base64(LIGHT), in_base64(DARK)], parameters={"top_k": 1}).json()
    assert [[one["label"] for one in ranking] for ranking in answer] == [["light"], ["dark"]]


@pytest.mark.parametrize("kind", ["image/jpeg", "image/png", "application/octet-stream", None])
def test_a_picture_may_be_the_body(server: Server, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = httpx.post(f"{server.url}/predict", content=LIGHT, headers=headers, timeout=30)
    assert answer.json() == ask(server, in_base64(LIGHT)).json()


@pytest.mark.parametrize("parameters", [{}, {"top_k": 1}, {"function_to_apply": "sigmoid"}])
@pytest.mark.parametrize("form", ["bytes", "path", "image"])
def test_hugging_faces_client_is_answered(
    server: Server, form: str, parameters: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "light.jpg").write_bytes(LIGHT)
    given = {"bytes": LIGHT, "path": str(tmp_path / "light.jpg"), "image": tmp_path / "light.jpg"}[form]
    found = InferenceClient(timeout=30).image_classification(
        given, model=f"{server.url}/predict", **parameters
    )
    assert found[0].label == "light"
    assert len(found) == parameters.get("top_k", 2)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("", "inputs[0] is no picture (0 bytes); expected JPEG"),
        ("not base64!", "inputs is not base64; expected a picture in base64."),
        ("https://example.org/cat.jpg", "inputs is a URL, which is not fetched"),
        (in_base64(b"a text"), "inputs[0] is no picture (6 bytes); expected JPEG"),
        (in_base64(LIGHT[:500]), "inputs[0] is a damaged picture"),
        ([in_base64(LIGHT), in_base64(BOMBS["png, just above"])], "inputs[1] is a picture of 5,001 x 5,000"),
        ([in_base64(LIGHT), "x"], "inputs[1] is not base64"),
        ({"text": "a"}, "inputs is an object, expected a picture in base64."),
        ([None], "inputs[0] is null, expected a picture in base64."),
    ],
)
def test_what_is_no_picture_is_told(server: Server, inputs: object, message: str) -> None:
    answer = ask(server, inputs)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_a_body_of_another_type_is_refused(server: Server) -> None:
    answer = httpx.post(
        f"{server.url}/predict", content=LIGHT, headers={"Content-Type": "text/plain"}, timeout=30
    )
    assert answer.status_code == 415
    assert "image/*" in answer.json()["error"]


def test_more_pictures_than_the_limit_are_refused(server: Server) -> None:
    assert ask(server, [in_base64(LIGHT)] * 9).status_code == 413


def test_the_log_describes_and_stores_no_picture(server: Server) -> None:
    request_id = ask(server, [in_base64(LIGHT), in_base64(DARK)]).headers["x-request-id"]
    one, other = until(lambda: rows if len(rows := rows_of(server, request_id)) == 2 else [], server)
    assert (one["width"], one["height"]) == (48, 36)
    assert one["mean"] > other["mean"]
    assert len(one["image_hash"]) == 32
    assert one["image_hash"] != other["image_hash"]
    assert not {"text", "image", "buckets", "text_hash"} & one.keys()


def test_the_document_is_that_of_pictures(server: Server, last_run: dict[str, Any]) -> None:
    entry = load_entry(last_run["tags"]["onnx-int8"])
    found = httpx.get(f"{server.url}/docs.json", timeout=30).json()
    assert found == openapi(entry.task)
    content = found["paths"]["/predict"]["post"]["requestBody"]["content"]
    assert {"application/json", "image/*", "application/octet-stream"} == content.keys()
    example = content["application/json"]["examples"]["one"]["value"]
    assert httpx.post(f"{server.url}/predict", json=example, timeout=30).status_code == 200


def test_usual_pictures_are_ok_and_their_labels_count(server: Server, tmp_path: Path) -> None:
    since = send(server, fresh(200, 10_000))
    with httpx.Client(base_url=server.url, timeout=30) as client:
        for row in (row for row in read_log(server.logs / NAME).rows if since <= row["ts"]):
            label = LABELS[row["mean"] > 0.5]
            body = {"request_id": row["request_id"], "label": label, "source": "audit"}
            assert client.post("/feedback", json=body).status_code == 202
    until(lambda: len(read_feedback(server.logs / NAME).rows) >= 200, server)
    result = judged(server, since, tmp_path)
    assert result["verdict"] == "OK"
    assert result["performance"]["by_source"]["audit"]["labels"] == 200
    assert {"sharpness", "saturation", "width"} & {one["column"] for one in result["drift"]}


def test_the_log_has_nothing_to_learn_from_again(
    last_run: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert retrain([NAME]) == 1
    assert "The log stores no pictures to learn from" in capsys.readouterr().err


def test_blurred_pictures_are_drift(server: Server, tmp_path: Path) -> None:
    blurred = [image.filter(ImageFilter.GaussianBlur(1)) for image in fresh(200, 20_000)]
    result = judged(server, send(server, blurred), tmp_path)
    assert result["verdict"] == "DRIFT"
    assert "sharpness" in result["summary"]
    assert result["explanation"]["words"] is None


def test_the_page_takes_pictures(server: Server) -> None:
    given = [
        {"name": f"{label}.png", "mimeType": "image/png", "buffer": file_of(picture(label, 7))}
        for label in LABELS
    ]
    with (
        sync_playwright() as playwright,
        launched(playwright) as browser,
        opened(browser, server.url) as page,
    ):
        page.goto("/ui")
        page.locator(".drop input").first.set_input_files(given[0])
        expect(page.get_by_role("list", name="Scores").get_by_role("listitem")).to_have_count(len(LABELS))
        expect(page.get_by_role("img", name="The picture given")).to_be_visible()
        page.get_by_role("button", name="Many").click()
        page.locator(".drop input").last.set_input_files(given)
        expect(page.get_by_text(f"{len(LABELS)} of {len(LABELS)} answered")).to_be_visible()
        expect(page.get_by_role("table").locator("td.long")).to_have_text(
            [f"{label}.png" for label in LABELS]
        )
        page.get_by_role("link", name="Audit").click()
        expect(page.get_by_text("Pictures are not stored,")).to_be_visible()
