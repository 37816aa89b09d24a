"""Pictures of the page for the docs, on request: make screenshots (of the sample task, trained before)."""

import gzip
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bentos.log_files import utc_text
from bentos.page import FOLDER as UI
from bentos.page import MEDIA_TYPES
from bentos.request_log import Row, read_log
from monitoring.__main__ import main as monitor
from tests.browser import launched, opened
from tests.monitoring_rows import write_log
from tests.serving import Server, serve, until
from tests.test_page_browser import ask, at, queue
from train.sample_corpus import generate

FOLDER = os.environ.get("TOUCHSTONE_SCREENSHOTS", "")
TASK = "sample-reviews"
TRAINED = Path.home() / "bentoml/models" / f"{TASK}-onnx-int8"
HOURS, ROWS, LABELLED = 40, 200, 60  # windows, requests in each at least, and of those with a label
BAD_PATCH = range(33, 36)  # the hours in which the traffic is another one
COLOURS = 256
UNTIL_READY = """() => new Promise((done) => {
  const isThere = () => document.querySelector("textarea");
  const look = () => (isThere() ? done(performance.now()) : requestAnimationFrame(look));
  look();
})"""
LOADS = 9  # of which the median is told
LOOKS = [("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark")]

pytestmark = [pytest.mark.skipif(not FOLDER, reason="make screenshots"), pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The trained sample task after some days of traffic, judged hour by hour."""
    if not TRAINED.is_dir():
        pytest.fail("There is no trained sample task to take pictures of. Train it first: make train")
    folder, models = tmp_path_factory.mktemp("pictures"), Path(os.environ["BENTOML_HOME"]) / "models"
    shutil.copytree(TRAINED, models / TRAINED.name, dirs_exist_ok=True)
    reports = folder / "reports"
    with serve(folder, "--arg", f"reports={reports}") as server:
        live(server, folder / "past")
        options = [
            "--window",
            "1h",
            "--since",
            f"{HOURS}h",
            "--logs",
            str(folder / "past"),
            "--out",
            str(reports),
        ]
        monitor([TASK, *options])
        yield server


def live(server: Server, past: Path) -> None:
    """The answers to HOURS of reviews as a log that has been written hour by hour."""
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS)
    truth: dict[str, str] = {}  # by request
    when: dict[str, str] = {}
    with httpx.Client(base_url=server.url, timeout=60) as client, ThreadPoolExecutor(4) as threads:
        for hour in range(HOURS):
            n = ROWS + 37 * hour % 100
            rows = generate(n, seed=hour, drift=("patch",) if hour in BAD_PATCH else ())
            names = [f"hour{hour}-{i}" for i in range(n)]
            truth |= {name: row["label"] for name, row in zip(names, rows, strict=True)}
            when |= {name: utc_text(first + timedelta(hours=hour + i / n)) for i, name in enumerate(names)}
            list(threads.map(partial(send, client), names, [row["text"] for row in rows]))
    logged = until(
        lambda: found if len(found := read_log(server.logs / TASK).rows) >= len(when) else [], server
    )
    rows = [row | {"ts": when[row["request_id"]]} for row in logged]
    write_log(past / TASK, "requests", rows)
    write_log(past / TASK, "feedback", [label_of(row, truth) for row in rows if is_labelled(row)])


def send(client: httpx.Client, name: str, text: str) -> None:
    client.post("/predict", json={"inputs": text}, headers={"X-Request-ID": name}).raise_for_status()


def is_labelled(row: Row) -> bool:
    """Some requests of every third hour."""
    hour, _, i = row["request_id"].removeprefix("hour").partition("-")
    return int(hour) % 3 == 0 and int(i) < LABELLED


def label_of(row: Row, truth: Mapping[str, str]) -> Row:
    label = {"label": truth[row["request_id"]], "source": "audit"}
    return {"ts": row["ts"], "request_id": row["request_id"], "index": 0, **label}


def keep(page: Page, name: str, size: str, scheme: str) -> None:
    """A small picture: of few colours, as the page has them."""
    page.mouse.move(0, 0)
    path = Path(FOLDER) / f"{name}-{size}-{scheme}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path, full_page=True)
    with Image.open(path) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def show_try(page: Page) -> None:
    ask(
        at(page, "try"),
        "The combat is great and the story is splendid, but since the last update it is a broken mess.",
    )
    page.get_by_role("button", name="Which words").click()
    expect(page.get_by_label("Words that made the difference")).to_be_visible()


def show_many(page: Page) -> None:
    at(page, "try").get_by_role("button", name="Many").click()
    page.get_by_label("Texts, one a line").fill("\n".join(row["text"] for row in generate(8, seed=4)))
    page.get_by_role("button", name="Ask for").click()
    expect(page.get_by_text("8 of 8 answered")).to_be_visible()


def show_audit(page: Page) -> None:
    rows = generate(40, seed=6)
    file: dict[str, Any] = queue([row["text"] for row in rows])
    at(page, "audit").locator("li input[type=file]").set_input_files(file)
    for row in rows[:31]:
        page.keyboard.press("1" if row["label"] == "negative" else "2")
    expect(page.get_by_text("of 31")).to_be_visible()


def show_watch(page: Page) -> None:
    at(page, "watch")
    expect(page.get_by_label("The last verdict")).to_be_visible()
    expect(page.get_by_label("Latency by stage")).to_be_visible()


SHOWN = {"try": show_try, "many": show_many, "audit": show_audit, "watch": show_watch}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright, launched(playwright) as browser:
        yield browser


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_pictures_of_every_view(chromium: Browser, site: Server, size: str, scheme: str) -> None:
    with opened(chromium, site.url, size, scheme) as page:
        for name, show in SHOWN.items():
            show(page)
            keep(page, name, size, scheme)


def test_figures_of_the_page(chromium: Browser, site: Server) -> None:
    """What is loaded, and how long it takes until a person can type: with an empty cache, on this machine."""
    files = [path.read_bytes() for path in UI.rglob("*") if path.suffix in MEDIA_TYPES]
    figures = {
        "files": len(files),
        "bytes": sum(map(len, files)),
        "bytes_sent": sum(len(gzip.compress(file, mtime=0)) for file in files),
        "interactive_ms": round(median(interactive(chromium, site.url) for _ in range(LOADS))),
    }
    (Path(FOLDER) / "page.json").write_text(json.dumps(figures, indent=1) + "\n")


def interactive(browser: Browser, url: str) -> float:
    """Milliseconds from the start of the navigation."""
    with opened(browser, url) as page:
        page.goto("/ui", wait_until="commit")
        return float(page.evaluate("(" + UNTIL_READY + ")()"))
