"""The page at /ui without a browser: what is sent, how, and to whom."""

import gzip
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from bentos.api_keys import ApiKeys, digest
from bentos.http import HttpRules, Routes
from bentos.page import FOLDER, REPORTS, PageData, file_routes
from bentos.task import Task, load_task
from monitoring.drift import alarm_rate
from monitoring.result import to_json, write
from tests.judged import judged_windows, write_window
from tests.monitoring_rows import DAY, judged, make_labels, make_reference, make_rows
from tests.serving import Server, serve

KEY = "0123456789abcdef"
TASK = load_task("sample-reviews")
FILES = sorted(path for _, path in file_routes() if path not in ("/", "/ui/"))


def client(routes: Routes, keys: ApiKeys | None = None) -> TestClient:
    check = (keys or ApiKeys(frozenset(), {})).check

    async def no_app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("not one of our routes")

    app = HttpRules(no_app, lambda: routes, check, max_body_bytes=1000, body_timeout=5)
    return TestClient(app, follow_redirects=False)  # type: ignore[arg-type]


def told(reports: Path, task: Task = TASK, has_keys: bool = False) -> TestClient:
    """What the page asks of a service that was told where the reports are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(REPORTS, str(reports))
        return client(PageData(task, lambda: "sample-reviews-onnx-int8:tiny", has_keys).routes())


@pytest.mark.parametrize("path", FILES)
def test_every_file_comes_under_the_same_strict_policy(path: str) -> None:
    headers = client(file_routes()).get(path).raise_for_status().headers
    policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_page_is_light_and_loads_nothing_from_elsewhere() -> None:
    sent = {path: client(file_routes()).get(path).text for path in FILES}
    assert sum(len(text.encode()) for text in sent.values()) < 130_000
    ours = "".join(text for path, text in sent.items() if "vendor" not in path and not path.endswith(".svg"))
    assert "http://" not in ours
    assert "https://" not in ours
    assert not re.search(r"<script(?![^>]* src=)|<style| style=\"| on[a-z]+=\"", sent["/ui"])


def test_nothing_makes_elements_of_text() -> None:
    ours = "".join(path.read_text() for path in FOLDER.glob("*.js"))
    assert not re.search("innerHTML|insertAdjacentHTML|document.write|eval\\(|new Function", ours)


def test_the_libraries_are_those_that_are_listed() -> None:
    listed = re.findall(
        r"^\| `([\w.-]+)` .* `([0-9a-f]{64})` \|$", (FOLDER / "vendor/README.md").read_text(), re.M
    )
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.glob("vendor/*.js")}
    assert dict(listed) == found


@pytest.mark.parametrize(("path", "to"), [("/", "/ui"), ("/ui/", "/ui")])
def test_its_other_addresses_lead_to_it(path: str, to: str) -> None:
    answer = client(file_routes()).get(path)
    assert answer.status_code == 307
    assert str(answer.request.url.join(answer.headers["location"])).endswith(f"testserver{to}")


def test_who_has_a_file_already_gets_none() -> None:
    first = client(file_routes()).get("/ui/app.js")
    again = client(file_routes()).get("/ui/app.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = client(file_routes()).get("/ui/app.js", headers={"Accept-Encoding": "identity"})
    assert plain.content == first.content
    assert first.headers["content-encoding"] == "gzip"
    assert int(first.headers["content-length"]) == len(gzip.compress(first.content, mtime=0))


def test_with_keys_the_page_is_open_and_what_it_shows_is_not(tmp_path: Path) -> None:
    files = file_routes()
    keys = ApiKeys(frozenset({digest(KEY.encode())}), {}, {path for _, path in files})
    data = PageData(TASK, lambda: "tag", has_keys=True).routes()
    both = client({**files, **data}, keys)
    assert {both.get(path).status_code for path in FILES} == {200}
    for _, path in data:
        assert both.get(path).status_code == 401
    assert both.get("/ui/service", headers={"X-API-Key": KEY}).json()["labels"] == list(TASK.labels)


def test_a_judgement_of_the_monitor_is_understood(tmp_path: Path) -> None:
    reference = make_reference()
    rows = make_rows(600, seed=1, mean_length=5.5)
    judgement = judged(
        rows, reference, alarm_rate(1, DAY.length, scheduled=False), make_labels(rows[:100], 0.9)
    )
    folder = tmp_path / "sample-reviews" / DAY.name
    folder.mkdir(parents=True)
    write(to_json(judgement, None, "report.html", None), folder)
    (window,) = told(tmp_path).get("/ui/watch").json()["windows"]
    assert window["verdict"] == "DRIFT"
    assert window["rows"] == 600
    assert window["drift"][0]["drifted"] is True
    assert window["performance"]["by_source"]["audit"]["labels"] == 100
    assert set(window["labels"]) == set(TASK.labels)


def test_without_a_reports_folder_no_window_is_known(tmp_path: Path) -> None:
    data = PageData(TASK, lambda: "sample-reviews-onnx-int8:tiny", has_keys=False).routes()
    assert client(data).get("/ui/watch").json()["windows"] is None
    assert client(data).get("/ui/report?window=20261116T000000Z_20261116T010000Z").status_code == 404


def test_the_windows_are_told_the_oldest_first(tmp_path: Path) -> None:
    judged_windows(tmp_path, ["OK", "WATCH", "DRIFT"])
    (tmp_path / "sample-reviews/elsewhere").mkdir()
    (tmp_path / "sample-reviews/elsewhere/result.json").write_text("{}")
    windows = told(tmp_path).get("/ui/watch").json()["windows"]
    assert [one["verdict"] for one in windows] == ["OK", "WATCH", "DRIFT"]
    assert windows[2]["drift"][0]["column"] == "n_chars"
    assert windows[2]["has_report"] is False


def test_a_window_judged_again_is_read_again(tmp_path: Path) -> None:
    (first,) = judged_windows(tmp_path, ["OK"])
    asked = told(tmp_path)
    assert asked.get("/ui/watch").json()["windows"][0]["verdict"] == "OK"
    write_window(first, "DRIFT")
    os.utime(first / "result.json", ns=(1, 1))
    assert asked.get("/ui/watch").json()["windows"][0]["verdict"] == "DRIFT"
    (first / "result.json").write_text('{"half')
    assert asked.get("/ui/watch").json()["windows"] == []


def test_a_report_may_run_its_scripts_apart_from_the_page(tmp_path: Path) -> None:
    (folder,) = judged_windows(tmp_path, ["DRIFT"])
    (folder / "report.html").write_text("<!DOCTYPE html>pictures")
    answer = told(tmp_path).get(f"/ui/report?window={folder.name}").raise_for_status()
    assert answer.text == "<!DOCTYPE html>pictures"
    assert answer.headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'; ")


@pytest.mark.parametrize("window", ["", "..", "../../etc", "20261116T000000Z_20261116T010000Z", "%2e%2e/x"])
def test_no_other_file_is_a_report(tmp_path: Path, window: str) -> None:
    judged_windows(tmp_path, [])
    (tmp_path / "report.html").write_text("secret")
    assert told(tmp_path).get(f"/ui/report?window={window}").status_code == 404


@pytest.mark.parametrize(
    ("log_inputs", "has_keys", "status"),
    [("full", False, 403), ("redacted", False, 403), ("full", True, 200)],
)
def test_a_report_with_texts_is_for_those_with_a_key(
    tmp_path: Path, log_inputs: Any, has_keys: bool, status: int
) -> None:
    (folder,) = judged_windows(tmp_path, ["DRIFT"])
    (folder / "report.html").write_text("texts")
    task = replace(TASK, monitoring=replace(TASK.monitoring, log_inputs=log_inputs))
    assert told(tmp_path, task, has_keys).get(f"/ui/report?window={folder.name}").status_code == status


def test_damaged_promotions_are_told(store: Path, tmp_path: Path) -> None:
    name = "sample-reviews-onnx-int8"
    path = store / "models" / name / "production.json"
    path.write_text("{")
    try:
        answer = client(PageData(TASK, lambda: f"{name}:tiny", has_keys=False).routes()).get("/ui/watch")
    finally:
        path.unlink()
    assert answer.status_code == 503
    assert "damaged" in answer.json()["error"]


@pytest.fixture(scope="module")
def bare(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service without the page."""
    with serve(tmp_path_factory.mktemp("bare"), "--arg", "version=tiny", "--arg", "ui=false") as server:
        yield server


@pytest.mark.parametrize("path", ["/", "/ui", "/ui/", "/ui/app.js", "/ui/service"])
def test_it_can_be_switched_off(bare: Server, path: str) -> None:
    answer = httpx.get(f"{bare.url}{path}", timeout=30)
    assert answer.status_code == 404
    assert list(answer.json()) == ["error"]


def test_a_running_service_has_it(server: Server) -> None:
    assert (
        httpx.get(server.url, timeout=30, follow_redirects=True).text == (FOLDER / "index.html").read_text()
    )
    told = httpx.get(f"{server.url}/ui/service", timeout=30).json()
    assert told["model_tag"] == "sample-reviews-onnx-int8:tiny"


def test_a_text_that_is_cut_says_where(server: Server) -> None:
    text = "good " * 200
    answer = httpx.post(f"{server.url}/predict", json={"inputs": text}, timeout=30)
    read = int(answer.headers["x-truncated-at"])
    assert text[:read].split() == ["good"] * 62  # 64 tokens, two of them special
    listed = httpx.post(f"{server.url}/predict", json={"inputs": [text, "good"]}, timeout=30)
    assert "x-truncated-at" not in listed.headers
