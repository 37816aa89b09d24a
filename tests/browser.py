"""The system's Chromium without a window, and pages in which whatever goes wrong fails the test."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
FLAGS += ["--disable-component-update", "--disable-sync"]
PATIENCE = 60_000  # ms: the machine may be busy
SIZES = {"desktop": {"width": 1180, "height": 860}, "phone": {"width": 390, "height": 844}}


@contextmanager
def launched(playwright: Playwright) -> Iterator[Browser]:
    """The browser; skips where the system has none."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    browser = playwright.chromium.launch(args=FLAGS, executable_path=CHROMIUM, timeout=PATIENCE)
    try:
        yield browser
    finally:
        browser.close()


@contextmanager
def opened(
    browser: Browser, url: str, size: str = "desktop", scheme: Any = "light", expected: str = ""
) -> Iterator[Page]:
    """A page in a context of its own.

    Nothing may be told on its console but what holds `expected`, nothing loaded from elsewhere, and no dialog
    opened.
    """
    context = browser.new_context(
        base_url=url, viewport=SIZES[size], color_scheme=scheme, accept_downloads=True
    )
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    wrong = watched(context, url, expected)
    try:
        yield context.new_page()
        assert wrong == []
    except BaseException as error:
        error.add_note(f"What the pages told until then: {wrong}")
        raise
    finally:
        context.close()


def watched(context: BrowserContext, url: str, expected: str) -> list[str]:
    """What goes wrong in the context's pages from now on."""
    wrong: list[str] = []

    def watch(page: Page) -> None:
        page.on("console", lambda message: note(message.type, message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: here(request.url))

    def note(kind: str, text: str) -> None:
        if kind in ("error", "warning") and not (expected and expected in text):
            wrong.append(f"{kind}: {text}")

    def here(asked: str) -> None:
        if not asked.startswith((url, "data:", "blob:")):
            wrong.append(f"asked elsewhere: {asked}")

    context.on("page", watch)
    return wrong
