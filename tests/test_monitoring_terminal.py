"""What is printed of a flagged window fits a narrow terminal."""

from pathlib import Path

import pytest
from rich.console import Console

from monitoring.explain import explain
from monitoring.reference import Reference
from monitoring.terminal import show
from tests.worded import FILMS, judged, make_texts, make_worded_reference, worded


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return make_worded_reference(tmp_path_factory.mktemp("terminal"))


def printed(reference: Reference, words: list[str] | None) -> list[str]:
    """The lines at 80 columns: of a window with other words in an app of its own, or of an ordinary one."""
    assert reference.folder
    usual = worded(make_texts(300, 1), reference.folder, 1)
    other = worded(make_texts(200, 2, words or []), reference.folder, 2, mean_length=6) if words else []
    rows = [row | {"tags": {"app": "10"}} for row in usual] + [
        row | {"tags": {"app": "730"}} for row in other
    ]
    judgement = judged(rows, reference)
    console = Console(width=80)
    with console.capture() as capture:
        show(console, judgement, explain(judgement, reference, Path("/nowhere")), Path("report.html"))
    return capture.get().splitlines()


def test_a_flagged_window_gets_at_most_twelve_more_lines(reference: Reference) -> None:
    lines = printed(reference, FILMS)
    first = next(i for i, line in enumerate(lines) if line.startswith("more of"))
    assert len(lines) - 1 - first <= 12
    assert max(map(len, lines)) <= 80
    heads = {line[:15].strip() for line in lines[first:-1]} - {""}
    assert heads == {"more of", "less of", "most of it in", "quartiles", "typical rows"}


def test_an_ordinary_window_stays_short(reference: Reference) -> None:
    lines = printed(reference, None)
    assert lines[0].startswith("OK")
    assert not any(line.startswith(("more of", "typical rows")) for line in lines)
