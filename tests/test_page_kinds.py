"""The page for the other kinds of tasks: a number of a pair of texts, and several labels of a text."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bentos.request_log import read_feedback
from bentos.task import Task
from tests.browser import launched, opened
from tests.serving import Server, serve, until
from tests.test_page_browser import at, queue
from tests.tiny import build, tiny_task
from train.data import Split, Splits

TOPICS = ("art", "music", "story")
RATINGS = replace(
    tiny_task(),
    name="tiny-ratings",
    labels=("rating",),
    problem_type="regression",
    text_column_names=("reader", "book"),
)
SEVERAL = replace(tiny_task(), name="tiny-topics", labels=TOPICS, problem_type="multi_label_classification")


def splits_of(texts: list[Any], labels: list[Any]) -> Splits:
    """The same rows in each split."""
    split = Split(texts, labels, [None] * len(texts))
    return Splits(split, split, split, report={}, sha256="0" * 64)


def ratings() -> Splits:
    rows = list(product(("likes long books", "likes short ones", "reads at night"), range(1, 11)))
    return splits_of(
        [(f"He {reader}.", f"A book of {n} parts.") for reader, n in rows], [float(n) for _, n in rows]
    )


def topics() -> Splits:
    held = [flags for flags in product((0.0, 1.0), repeat=len(TOPICS)) for _ in range(4)]
    return splits_of([f"Number {i} has art, music or story." for i in range(len(held))], held)


@contextmanager
def served(task: Task, splits: Splits, folder: Path) -> Iterator[Server]:
    build(task, splits, ["onnx"])
    with serve(folder, "--arg", f"task={task.name}", "--arg", "variant=onnx") as server:
        yield server


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright, launched(playwright) as browser:
        yield browser


def last_label(server: Server, task: Task) -> Any:
    return until(lambda: read_feedback(server.logs / task.name).rows, server)[-1]["label"]


def start_audit(page: Page, texts: list[Any]) -> None:
    at(page, "audit").locator("li input[type=file]").set_input_files(queue(texts))
    expect(page.get_by_text(f"0 of {len(texts)} labelled")).to_be_visible()


def test_a_rating_is_a_number_with_its_interval(store: Path, chromium: Browser, tmp_path: Path) -> None:
    with served(RATINGS, ratings(), tmp_path) as server, opened(chromium, server.url) as page:
        at(page, "try").get_by_label("Reader").fill("He likes long books.")
        page.get_by_label("Book").fill("A book of 9 parts.")
        page.get_by_role("button", name="Ask the model").click()
        expect(page.get_by_text("rating, most likely between")).to_be_visible()
        page.get_by_role("button", name="Which words").click()
        expect(page.get_by_label("Words that made the difference").locator(".text")).to_have_count(2)
        page.get_by_role("button", name="Wrong").click()
        page.get_by_label("The true number").fill("4,5")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_text("Noted: 4.5.")).to_be_visible()
        assert last_label(server, RATINGS) == 4.5
        start_audit(page, [("He reads.", "A book."), ("She reads.", "A book.")])
        for number in ("7", "8"):
            page.get_by_label("The true number").fill(number)
            page.get_by_label("The true number").press("Enter")
        expect(page.get_by_text("So far the model is off by")).to_contain_text("by 2 labels")


def test_several_labels_are_given_together(store: Path, chromium: Browser, tmp_path: Path) -> None:
    with served(SEVERAL, topics(), tmp_path) as server, opened(chromium, server.url) as page:
        at(page, "try").get_by_label("Text", exact=True).fill("It has art.")
        page.get_by_role("button", name="Ask the model").click()
        expect(page.get_by_role("list", name="Scores").get_by_role("listitem")).to_have_count(3)
        page.get_by_role("button", name="Wrong").click()
        for topic in TOPICS:
            page.get_by_label(topic, exact=True).set_checked(topic != "music")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_text("Noted: art, story.")).to_be_visible()
        assert last_label(server, SEVERAL) == ["art", "story"]
        start_audit(page, ["It has music.", "It has a story."])
        page.keyboard.press("2")
        expect(page.get_by_label("music", exact=True).last).to_be_checked()
        page.get_by_role("button", name="Send").press("Enter")
        expect(page.get_by_text("So far the model is right in")).to_contain_text("of 1")
        page.keyboard.press("u")
        expect(page.get_by_text("0 of 2 labelled")).to_be_visible()
