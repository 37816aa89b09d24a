"""The page at /ui in the system's browsers: every path, by hand and by keyboard, and what it looks like."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright
from scipy.stats import binomtest

from bentos.request_log import Row, read_feedback
from tests.browser import launched, opened
from tests.firefox import firefox
from tests.judged import judged_windows
from tests.serving import Server, serve, until

KEY, LABEL_KEY = "a-key-for-everything", "a-key-for-labels-alone"
VERDICTS = ["OK"] * 9 + ["WATCH", "DRIFT", "DRIFT", "OK", "PERFORMANCE"]
REPORT = "<!DOCTYPE html><title>Evidently</title><p id=p>still<script>p.textContent = 'drawn'</script>"
HOSTILE = (
    "<img src=x onerror=alert(1)><script>alert(2)</script> is gr\u0435at \u202egninaem\u202c"  # e: Cyrillic
)
VIEWS = {
    "try": "What does the model say",
    "audit": "Is the model still right?",
    "watch": "Can the model still",
}


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    with launched(playwright) as browser:
        yield browser


@pytest.fixture(scope="module")
def site(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with the reports of a monitor that has just run."""
    folder = tmp_path_factory.mktemp("site")
    newest = judged_windows(folder / "reports", VERDICTS)[-1]
    (newest / "report.html").write_text(REPORT)
    with serve(folder, "--arg", "version=tiny", "--arg", f"reports={folder / 'reports'}") as server:
        yield server


@pytest.fixture
def page(chromium: Browser, site: Server) -> Iterator[Page]:
    with opened(chromium, site.url) as page:
        yield page


def at(page: Page, view: str) -> Page:
    page.goto(f"/ui#{view}")
    expect(page.get_by_role("heading", level=1, name=VIEWS[view])).to_be_visible()
    return page


def ask(page: Page, text: str) -> None:
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_role("button", name="Ask the model").click()
    expect(page.get_by_label("Answer", exact=True)).to_be_visible()


def labels(server: Server, source: str, n: int) -> list[Row]:
    """The labels of that source in the log, once there are so many."""

    def found() -> list[Row]:
        rows = [row for row in read_feedback(server.logs / "sample-reviews").rows if row["source"] == source]
        return rows if len(rows) >= n else []

    return until(found, server)


def queue(texts: Sequence[str]) -> dict[str, Any]:
    """A file as `python -m monitoring audit` writes it."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(["request_id", "index", "ts", "text", "text_pair", "label"])
    writer.writerows(
        [f"audited{i}", i % 3, "2026-11-25T00:00:00Z", text, "", ""] for i, text in enumerate(texts)
    )
    return {"name": "audit.csv", "mimeType": "text/csv", "buffer": stream.getvalue().encode()}


def start_audit(page: Page, n: int, text: str = "The story is good and I would play it again.") -> None:
    file = queue([f"{text} {i}" for i in range(n)])
    at(page, "audit").locator("li input[type=file]").set_input_files(file)
    expect(page.get_by_text(f"0 of {n} labelled")).to_be_visible()


def test_the_address_of_the_service_leads_to_the_page(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", level=1, name=VIEWS["try"])).to_be_visible()
    expect(page).to_have_title("Try it · sample-reviews")


def test_an_answer_has_its_scores_its_time_and_its_version(page: Page) -> None:
    at(page, "try")
    expect(page.get_by_role("button", name="Ask the model")).to_be_disabled()
    page.get_by_role("button", name="An example").click()
    page.get_by_label("Text", exact=True).press("Control+Enter")
    scores = page.get_by_role("list", name="Scores").get_by_role("listitem")
    expect(scores).to_have_count(2)
    shares = [float(text.split()[-2]) for text in scores.all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=0.2)
    assert shares == sorted(shares, reverse=True)
    expect(page.get_by_text("there and back")).to_be_visible()
    expect(page.get_by_text("sample-reviews-onnx-int8:tiny").first).to_be_visible()


@pytest.mark.parametrize("verdict", ["Right", "Wrong"])
def test_right_and_wrong_are_labels_of_a_user(page: Page, site: Server, verdict: str) -> None:
    ask(at(page, "try"), f"The music is {verdict}.")
    best = page.locator(".chosen .label").inner_text()
    n = len(read_feedback(site.logs / "sample-reviews").rows)
    page.get_by_role("button", name=verdict, exact=True).click()
    expect(page.get_by_text("Noted: ")).to_be_visible()
    row = until(lambda: read_feedback(site.logs / "sample-reviews").rows[n:], site)[-1]
    assert row["source"] == "user"
    assert (row["label"] == best) is (verdict == "Right")


def test_the_words_that_made_the_difference_are_marked(page: Page) -> None:
    ask(at(page, "try"), "The ending is splendid, and I found the combat rather dull!")
    page.get_by_role("button", name="Which words").click()
    why = page.get_by_label("Words that made the difference")
    expect(why.locator(".text")).to_have_text("The ending is splendid, and I found the combat rather dull!")
    expect(why.locator(".for, .against").first).to_be_visible()


def test_a_text_that_is_too_long_shows_where_it_was_cut(page: Page) -> None:
    ask(at(page, "try"), "😀 good " * 100)
    cut = page.get_by_text("Too long: the model read the first")
    expect(cut).to_contain_text("of 700 characters")
    expect(page.get_by_label("cut here")).to_be_visible()


def test_what_hides_or_misleads_is_shown(page: Page) -> None:
    ask(at(page, "try"), HOSTILE)
    page.get_by_role("button", name="Which words").click()
    shown = page.get_by_label("Words that made the difference").locator(".text")
    expect(shown.locator(".hidden-character")).to_have_text(["RLO", "PDF"])
    expect(shown.locator(".lookalike")).to_have_text(["gr\u0435at"])
    expect(shown).to_contain_text("<script>alert(2)</script>")
    page.get_by_role("button", name="Many").click()
    page.get_by_label("Texts, one a line").fill(HOSTILE)
    page.get_by_role("button", name="Ask for").click()
    expect(page.get_by_role("table").locator(".hidden-character")).to_have_text(["RLO", "PDF"])
    start_audit(page, 1, text=HOSTILE)
    expect(page.locator(".item .hidden-character")).to_have_text(["RLO", "PDF"])
    assert page.locator("main img, main script").count() == 0


def test_lines_become_a_table_to_filter_and_to_take_along(page: Page) -> None:
    at(page, "try").get_by_role("button", name="Many").click()
    texts = [f"The {what} is {how}." for what in ("game", "music") for how in ("good", "bad", "dull")]
    page.get_by_label("Texts, one a line").fill("\n".join([*texts, "", "=1+1 is splendid"]))
    page.get_by_role("button", name="Ask for 7 answers").click()
    expect(page.get_by_text("7 of 7 answered")).to_be_visible()
    rows = page.get_by_role("table").locator("tbody tr")
    page.get_by_label("Holding").fill("MUSIC")
    expect(rows).to_have_count(3)
    page.get_by_label("Holding").fill("")
    page.get_by_label("Answered").select_option("negative")
    negative = rows.count()
    page.get_by_label("Answered").select_option("positive")
    expect(rows).to_have_count(7 - negative)
    page.get_by_label("Answered").select_option(label="anything")
    page.get_by_label("least sure first").check()
    scores = [float(text.split()[0]) for text in rows.locator(".n").all_inner_texts()]
    assert scores == sorted(scores)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download 7").click()
    taken = list(csv.DictReader(download.value.path().open(encoding="utf-8-sig", newline="")))
    assert {row["text"] for row in taken} == {*texts, "'=1+1 is splendid"}
    assert {row["model_tag"] for row in taken} == {"sample-reviews-onnx-int8:tiny"}
    rows.first.get_by_role("button", name="Wrong").click()
    expect(rows.first.get_by_text("Noted")).to_be_visible()


def test_a_table_is_read_by_the_column_that_holds_the_texts(page: Page) -> None:
    at(page, "try").get_by_role("button", name="Many").click()
    lines = "id,review,stars\n" + "".join(
        f'{i},"A good, long story, number {i}.",{i % 5}\n' for i in range(150)
    )
    given = {"name": "reviews.csv", "mimeType": "text/csv", "buffer": f"{lines}x,,1\n".encode()}
    page.locator(".drop input").first.set_input_files(given)
    expect(page.get_by_label("Column with the text")).to_have_value("review")
    expect(page.get_by_text("1 rows without a text are left out")).to_be_visible()
    page.get_by_role("button", name="Ask about 150").click()
    expect(page.get_by_text("150 of 150 answered")).to_be_visible()
    page.get_by_role("button", name="Show more").click()
    expect(page.get_by_role("table").locator("tbody tr")).to_have_count(150)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download 150").click()
    taken = list(csv.DictReader(download.value.path().open(encoding="utf-8-sig", newline="")))
    assert [row["id"] for row in taken] == [str(i) for i in range(150)]


def test_an_audit_goes_by_keyboard_alone(page: Page, site: Server) -> None:
    start_audit(page, 6)
    page.keyboard.press("1")
    expect(page.get_by_text("Text 2", exact=True)).to_be_visible()
    page.keyboard.press("2")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Text 4", exact=True)).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("1")
    page.keyboard.press("u")
    expect(page.get_by_text("Text 3", exact=True)).to_be_visible()
    expect(page.get_by_text("2 of 6 labelled")).to_be_visible()
    for _ in range(4):
        page.keyboard.press("2")
    expect(page.get_by_text("All are labelled.")).to_be_visible()
    last = {row["request_id"]: (row["index"], row["label"]) for row in labels(site, "audit", 6)}
    told = ["negative", *["positive"] * 5]
    assert last == {f"audited{i}": (i % 3, label) for i, label in enumerate(told)}


def test_an_audit_tells_how_sure_it_is_and_survives_a_reload(page: Page) -> None:
    start_audit(page, 8)
    for key in "1121":
        page.keyboard.press(key)
    said = page.get_by_text("So far the model is right in")
    expect(said).to_contain_text("of 4")
    right = int(said.locator("b").first.inner_text().split()[0])
    limits = binomtest(right, 4).proportion_ci(0.95, method="exact")
    for limit in limits:
        expect(said).to_contain_text(
            f"{100 * limit:.1f} %" if limit > 0.0995 or limit == 0 else f"{100 * limit:.2f} %"
        )
    page.reload()
    expect(page.get_by_text("4 of 8 labelled")).to_be_visible()
    expect(page.get_by_text("Text 5", exact=True)).to_be_visible()
    expect(said).to_contain_text(f"{right} of 4")
    page.get_by_role("button", name="Put this queue away").click()
    expect(page.get_by_text("This service does not store texts")).to_be_visible()


def test_a_file_that_is_no_queue_is_refused_in_a_sentence(page: Page) -> None:
    given = at(page, "audit").locator("li input[type=file]")
    given.set_input_files({"name": "other.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,2\n"})
    expect(page.get_by_role("alert")).to_contain_text("other.csv is no queue; expected the file that")
    given.set_input_files(queue([""]))
    expect(page.get_by_role("alert")).to_contain_text("None of the 1 rows of audit.csv has a text")


def test_the_watch_says_at_a_glance_how_it_stands(page: Page) -> None:
    at(page, "watch")
    now = page.get_by_label("The last verdict")
    expect(now).to_contain_text("PERFORMANCE")
    expect(now).to_contain_text("In words: PERFORMANCE.")
    expect(now).to_contain_text("open since")
    expect(now).to_contain_text("75.0 % (67.0 % to 81.0 %) by 100 audit labels")
    expect(now).to_contain_text("Judged less than a minute ago")
    expect(page.get_by_role("img", name="The last 14 verdicts, 3 of them alarms")).to_be_visible()
    for title in ("Moved furthest", "Accuracy", "Answers", "Volume", "Labels", "Latency"):
        expect(page.get_by_role("img", name=f"{title}: ")).to_be_visible()
    expect(page.get_by_text("sample-reviews-onnx-int8:tiny answers.")).to_be_visible()
    rows = page.get_by_label("Windows in a table").locator("tbody tr")
    expect(rows).to_have_count(12)
    page.get_by_role("button", name="Show all 14").click()
    expect(rows).to_have_count(14)


def test_the_watch_shows_what_the_service_does_at_present(page: Page, site: Server) -> None:
    ask(at(page, "try"), "The game is good, so that there is something to time.")
    page.get_by_role("link", name="Watch").click()
    whole = page.get_by_label("Latency by stage").get_by_role("row", name="Whole request")
    expect(whole.locator(".n").first).to_contain_text("ms")


def test_a_report_opens_and_draws(page: Page) -> None:
    with at(page, "watch").expect_popup() as popup:
        page.get_by_role("link", name="Report of").click()
    expect(popup.value.locator("#p")).to_have_text("drawn")


def test_a_service_that_has_gone_is_told_in_a_sentence(chromium: Browser, site: Server) -> None:
    with opened(chromium, site.url, expected="ERR_INTERNET_DISCONNECTED") as page:
        at(page, "try")
        page.context.set_offline(True)
        page.get_by_label("Text", exact=True).fill("anyone there?")
        page.get_by_role("button", name="Ask the model").click()
        expect(page.get_by_role("alert")).to_have_text(
            "The service does not answer. Is it running, and can this computer reach it?"
        )


def test_what_the_service_refuses_is_told_in_its_words(chromium: Browser, site: Server) -> None:
    with opened(chromium, site.url, expected="400 (Bad Request)") as page:
        at(page, "try").get_by_label("Text", exact=True).fill("\u0300")
        page.get_by_role("button", name="Ask the model").click()
        expect(page.get_by_role("alert")).to_contain_text("holds no character that the model reads")


@pytest.fixture(scope="module")
def locked(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with keys, others for labels, and without reports."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOUCHSTONE_API_KEYS", KEY)
        patch.setenv("TOUCHSTONE_FEEDBACK_KEYS", LABEL_KEY)
        with serve(tmp_path_factory.mktemp("locked"), "--arg", "version=tiny") as server:
            yield server


def give_key(page: Page, key: str) -> None:
    page.get_by_label("API key", exact=True).fill(key)
    page.get_by_role("button", name="Use this key").click()


def test_keys_are_asked_for_and_kept_in_the_tab(chromium: Browser, locked: Server) -> None:
    with opened(chromium, locked.url, expected="401 (Unauthorized)") as page:
        page.goto("/ui")
        give_key(page, "not-the-right-one")
        expect(page.get_by_role("dialog")).to_contain_text("The API key is not known here")
        give_key(page, KEY)
        ask(page, "The game is good.")
        page.get_by_role("button", name="Right", exact=True).click()
        expect(page.get_by_role("dialog")).to_contain_text("to take labels")
        give_key(page, LABEL_KEY)
        expect(page.get_by_text("Noted: ")).to_be_visible()
        assert sorted(page.evaluate("Object.values(sessionStorage)")) == sorted([KEY, LABEL_KEY])
        assert page.evaluate("localStorage.length + document.cookie.length") == 0
        page.reload()
        ask(page, "The music is good.")
        page.get_by_role("link", name="Watch").click()
        expect(page.get_by_text("The service does not know where the monitor's reports are.")).to_be_visible()


def test_without_a_key_the_page_says_what_it_needs(chromium: Browser, locked: Server) -> None:
    with opened(chromium, locked.url, expected="401 (Unauthorized)") as page:
        page.goto("/ui")
        page.get_by_role("button", name="Not now").click()
        expect(page.get_by_role("alert")).to_contain_text("No API key was given")
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("dialog")).to_be_visible()


def filled(page: Page, view: str) -> None:
    """The view with something in it."""
    if view == "audit":
        start_audit(page, 24)
        for key in "112221121212":
            page.keyboard.press(key)
        expect(page.get_by_text("of 12")).to_be_visible()
        return
    at(page, view)
    if view == "try":
        ask(
            page,
            "The combat is great and the story is splendid, but the netcode is broken since the last update.",
        )
        page.get_by_role("button", name="Which words").click()
        expect(page.get_by_label("Words that made the difference")).to_be_visible()
    else:
        expect(page.get_by_label("Latency by stage")).to_be_visible()


@pytest.mark.parametrize("size", ["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_view_is_accessible_and_fits(chromium: Browser, site: Server, size: str, scheme: str) -> None:
    with opened(chromium, site.url, size, scheme) as page:
        for view in VIEWS:
            filled(page, view)
            found = Axe().run(page).response["violations"]
            assert [
                (one["id"], one["impact"], [node["target"] for node in one["nodes"]]) for one in found
            ] == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_main_paths_work_in_firefox(site: Server, tmp_path: Path) -> None:
    (tmp_path / "audit.csv").write_bytes(queue([f"The story is good. {i}" for i in range(5)])["buffer"])
    with firefox(tmp_path) as tab:
        tab.go(f"{site.url}/")
        tab.until("document.querySelector('textarea')")
        tab.value("document.querySelector('textarea').focus()")
        tab.press("The music is dull, but the ending is splendid.")
        tab.value("document.querySelector('form button.main').click()")
        tab.until("document.querySelectorAll('.bars li').length === 2")
        tab.value(
            "[...document.querySelectorAll('button')].find((b) => b.innerText.startsWith('Which')).click()"
        )
        tab.until("document.querySelector('.why')?.innerText.includes('splendid')")
        tab.value("void (location.hash = '#audit')")
        tab.give("li input[type=file]", tmp_path / "audit.csv")
        tab.until("document.body.innerText.includes('0 of 5 labelled')")
        tab.press("121u12")
        tab.until("document.body.innerText.includes('of 4')")
        tab.value("void (location.hash = '#watch')")
        tab.until("document.querySelector('.now .word')?.innerText === 'PERFORMANCE'")
        tab.until("document.body.innerText.includes('Whole request')")
        assert tab.wrong == []
