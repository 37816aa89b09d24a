"""`python -m monitoring` as a user runs it: folders, exit codes and clear errors."""

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bentos.model_store import save_entry
from bentos.request_log import Row
from monitoring.__main__ import main
from tests.monitoring_rows import (
    START,
    TASK,
    make_labels,
    make_reference,
    make_rows,
    write_lines,
    write_log,
)

TAG = "watched-reviews-onnx-int8:1"
ENDS = ("--since", "2026-11-16", "--until", "2026-11-17")


@pytest.fixture(scope="module")
def task_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A task of its own with a store entry that holds what monitoring reads."""
    folder = tmp_path_factory.mktemp("entry")
    task = yaml.safe_load(TASK.to_yaml()) | {"name": "watched-reviews"}
    path = tmp_path_factory.mktemp("task") / "watched.yaml"
    for file in (path, folder / "task.yaml"):
        file.write_text(yaml.safe_dump(task))
    write_lines(folder / "reference.jsonl", make_reference(1000).rows)
    contents = {"calibration": {"temperature": 1.0}, "metrics": {}, "canonical": []}
    for name, content in contents.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    save_entry(folder, TAG)
    return path


def log(root: Path, rows: list[Row], feedback: Sequence[Row] = ()) -> list[str]:
    """Write the rows as a day's log, a file an hour; the arguments that read it."""
    for kind, lines in (("requests", rows), ("feedback", feedback)):
        write_log(root / "logs" / "watched-reviews", kind, lines)
    return ["--logs", str(root / "logs"), "--out", str(root / "reports")]


def results(root: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(root.rglob("result.json"))]


def rows_of_the_day(n: int = 300, **changes: float) -> list[Row]:
    return make_rows(n, seed=1, model_tag=TAG, **changes)


def test_a_window_like_the_reference_ends_with_0(
    task_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rows_of_the_day()
    assert main([str(task_file), *log(tmp_path, rows, make_labels(rows, 0.9)), *ENDS]) == 0
    folder = tmp_path / "reports/watched-reviews/20261116T000000Z_20261117T000000Z"
    assert {path.name for path in folder.iterdir()} == {"report.html", "result.json"}
    assert json.loads((folder / "result.json").read_text())["model_tag"] == TAG
    assert "Accuracy 0.900 by 300 audit labels" in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.parametrize(
    ("fail_on", "code"), [(None, 10), ("performance,drift", 10), ("performance", 0), ("none", 0)]
)
def test_fail_on_chooses_the_verdicts_that_fail(
    fail_on: str | None, code: int, task_file: Path, tmp_path: Path
) -> None:
    arguments = [str(task_file), *log(tmp_path, rows_of_the_day(mean_length=5)), *ENDS]
    assert main(arguments + (["--fail-on", fail_on] if fail_on else [])) == code


def test_every_closed_window_is_judged_and_the_worst_decides(task_file: Path, tmp_path: Path) -> None:
    rows = rows_of_the_day(800)
    arguments = log(tmp_path, rows[:400] + [row | {"n_chars": None} for row in rows[400:]])
    assert main([str(task_file), *arguments, *ENDS, "--window", "12h"]) == 12
    assert [result["verdict"] for result in results(tmp_path)] == ["OK", "CONTRACT"]


def test_the_second_drifted_window_in_a_row_is_an_alarm_until_both_are_acknowledged(
    task_file: Path, tmp_path: Path
) -> None:
    arguments = [str(task_file), *log(tmp_path, rows_of_the_day(900, mean_length=5)), *ENDS, "--window", "8h"]
    assert main(arguments) == 10
    first = [path.read_bytes() for path in sorted(tmp_path.rglob("result.json"))]
    assert [result["verdict"] for result in results(tmp_path)] == ["WATCH", "DRIFT", "DRIFT"]
    assert main(arguments) == 10
    assert [path.read_bytes() for path in sorted(tmp_path.rglob("result.json"))] == first


def test_a_window_can_be_acknowledged(
    task_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "reports")
    assert main(["acknowledge", str(task_file), "2026-11-16", "--out", out]) == 1
    assert "No history in" in capsys.readouterr().err
    main([str(task_file), *log(tmp_path, rows_of_the_day(mean_length=5)), *ENDS, "--window", "1d"])
    assert main(["acknowledge", str(task_file), "2026-11-17", "--out", out]) == 1
    assert "No window that was judged begins at 2026-11-17" in capsys.readouterr().err
    assert main(["acknowledge", str(task_file), "2026-11-16", "--out", out]) == 0
    assert "2026-11-16T00:00:00+00:00 is ordinary" in capsys.readouterr().out


def test_a_rerun_gives_the_same_bytes(task_file: Path, tmp_path: Path) -> None:
    arguments = [str(task_file), *log(tmp_path, rows_of_the_day()), *ENDS]
    runs = []
    for _ in range(2):
        main(arguments)
        runs.append([path.read_bytes() for path in tmp_path.rglob("result.json")])
    assert len(runs[0]) == 1
    assert runs[0] == runs[1]


def test_a_roll_out_is_judged_by_version(task_file: Path, tmp_path: Path) -> None:
    arguments = [str(task_file), *log(tmp_path, make_rows(300, seed=1, model_tag="other:2")), *ENDS]
    assert main([*arguments, "--version", "1"]) == 12


def test_the_last_day_is_the_default(task_file: Path, tmp_path: Path) -> None:
    arguments = log(tmp_path, rows_of_the_day())
    assert main([str(task_file), *arguments]) == 20
    (result,) = results(tmp_path)
    end = datetime.fromisoformat(str(result["window"]["end"]))  # type: ignore[index]
    assert end - datetime.fromisoformat(str(result["window"]["start"])) == timedelta(days=1)  # type: ignore[index]
    assert START < end <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--since", "yesterday"], "'yesterday' is no time"),
        (["--window", "1 day"], "'1 day' is no length of time"),
        (["--version", "9"], "No model 'watched-reviews-onnx-int8:9' in the model store"),
        (["--logs", "/nowhere"], "No log folder /nowhere/watched-reviews"),
        (["--until", "2999-01-01"], "still to come"),
    ],
)
def test_a_typo_is_told_in_one_line(
    changes: list[str],
    message: str,
    task_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([str(task_file), *log(tmp_path, []), *ENDS, *changes]) == 1
    assert message in capsys.readouterr().err


def test_an_unknown_verdict_is_a_wrong_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["sample-reviews", "--fail-on", "drifft"])
    assert "'drifft' is no verdict; give some of contract, performance" in capsys.readouterr().err


def test_an_unknown_task_prints_no_traceback() -> None:
    command = [sys.executable, "-m", "monitoring", "no-such-task"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("No task 'no-such-task'. Give one of: ")


def test_a_flagged_window_is_explained(task_file: Path, tmp_path: Path) -> None:
    main([str(task_file), *log(tmp_path, rows_of_the_day(mean_length=5)), *ENDS])
    explanation: Any = results(tmp_path)[0]["explanation"]
    assert {one["column"] for one in explanation["columns"]} == {"n_chars", "n_tokens"}
    assert {one["by"] for one in explanation["slices"]} == {"length"}
    assert len(explanation["examples"]) == 5
