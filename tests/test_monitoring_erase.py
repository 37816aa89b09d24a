"""`python -m monitoring erase`: what is erased is told, and so is what could not be."""

import html
from pathlib import Path

import httpx
import pytest

from bentos.request_log import read_log
from monitoring.__main__ import main
from tests.monitoring_rows import make_rows, write_log
from tests.serving import Server, until

TASK = "sample-reviews"
Output = pytest.CaptureFixture[str]


@pytest.fixture
def roots(tmp_path: Path) -> list[str]:
    """Rows and texts of 20 requests, `r0` and so on; the arguments that name them and the reports."""
    rows = make_rows(20, seed=1)
    write_log(tmp_path / "logs" / TASK, "requests", rows)
    texts = [
        {"ts": row["ts"], "request_id": row["request_id"], "index": 0, "text": "My text."} for row in rows
    ]
    write_log(tmp_path / "logs" / TASK, "texts", texts)
    return ["--logs", str(tmp_path / "logs"), "--out", str(tmp_path / "reports")]


def page(folder: Path, name: str, content: str) -> Path:
    path = folder / "reports" / TASK / name / "report.html"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    return path


def test_the_rows_of_each_kind_are_told(roots: list[str], tmp_path: Path, capsys: Output) -> None:
    assert main(["erase", TASK, "r3", "r4", *roots]) == 0
    assert capsys.readouterr().out == "2 requests rows erased\n2 texts rows erased\n"
    left = {row["request_id"] for row in read_log(tmp_path / "logs" / TASK, "texts").rows}
    assert left == {f"r{i}" for i in range(20)} - {"r3", "r4"}


def test_a_request_that_is_not_there_is_told(roots: list[str], capsys: Output) -> None:
    assert main(["erase", TASK, "absent", *roots]) == 1
    assert "No row of absent is in " in capsys.readouterr().err


def test_a_second_time_there_is_nothing_left(roots: list[str]) -> None:
    assert [main(["erase", TASK, "r3", *roots]) for _ in range(2)] == [0, 1]


def test_pages_that_name_the_request_are_deleted(roots: list[str], tmp_path: Path, capsys: Output) -> None:
    gone = page(tmp_path, "first", "<code>r3</code> My text.")
    stays = page(tmp_path, "second", "<code>r5</code>")
    assert main(["erase", TASK, "r3", *roots]) == 0
    assert (gone.exists(), stays.exists()) == (False, True)
    assert f"run python -m monitoring again to have them without it:\n{gone}\n" in capsys.readouterr().out


def test_a_page_names_a_request_in_the_words_of_html(roots: list[str], tmp_path: Path) -> None:
    request_id = "a<b>&'c\""
    gone = page(tmp_path, "first", html.escape(request_id))
    assert main(["erase", TASK, request_id, *roots]) == 0  # a run that was killed after the rows had gone
    assert not gone.exists()


@pytest.mark.parametrize("form", ["jsonl.gz", "parquet"])
def test_a_file_that_cannot_be_searched_is_a_failure(
    roots: list[str], tmp_path: Path, form: str, capsys: Output
) -> None:
    path = tmp_path / "logs" / TASK / f"texts-20261121T09-host-1-00ff.{form}"
    path.write_bytes(b"no gzip, and made elsewhere")
    assert main(["erase", TASK, "r3", *roots]) == 1
    assert capsys.readouterr().err.endswith(f"see to them:\n{path}\n")
    assert path.exists()


def test_a_service_goes_on_writing(server: Server) -> None:
    folder, request_ids = server.logs / TASK, ("erase-me", "keep-me")

    def answer(request_id: str) -> None:
        headers = {"X-Request-ID": request_id}
        httpx.post(f"{server.url}/predict", json={"inputs": "A game."}, headers=headers).raise_for_status()
        label = {"request_id": request_id, "label": "positive"}
        httpx.post(f"{server.url}/feedback", json=label).raise_for_status()

    def logged() -> list[str]:
        rows = read_log(folder).rows + read_log(folder, "feedback").rows
        return sorted(row["request_id"] for row in rows if row["request_id"] in request_ids)

    answer("erase-me")
    until(lambda: logged() == ["erase-me"] * 2, server)
    assert main(["erase", TASK, "erase-me", "--logs", str(server.logs)]) == 0
    answer("keep-me")
    until(lambda: logged() == ["keep-me"] * 2, server)


@pytest.mark.parametrize(
    ("task", "logs", "message"),
    [("absent", ".", "No task 'absent'"), (TASK, "nowhere", "No log folder nowhere/sample-reviews")],
)
def test_a_mistake_is_told(task: str, logs: str, message: str, capsys: Output) -> None:
    assert main(["erase", task, "r3", "--logs", logs]) == 1
    assert message in capsys.readouterr().err
