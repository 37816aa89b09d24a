"""`python -m monitoring` as a user runs it: folders, exit codes and clear errors."""

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bentoml
import pytest

import monitoring
from bentos.model_store import load_entry, save_entry
from monitoring.__main__ import main
from tests.monitoring_rows import START, make_labels, make_rows
from tests.receiver import receiving
from tests.watched import NAME, TAG, log, results, rows_of_the_day

ENDS = ("--since", "2026-11-16", "--until", "2026-11-17")


def test_a_window_like_the_reference_ends_with_0(
    task_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rows_of_the_day()
    assert main([str(task_file), *log(tmp_path, rows, make_labels(rows, 0.9)), *ENDS]) == 0
    folder = tmp_path / "reports/watched-reviews/20261116T000000Z_20261117T000000Z"
    assert {path.name for path in folder.iterdir()} == {"report.html", "result.json"}
    assert json.loads((folder / "result.json").read_text())["model_tag"] == TAG
    assert "Accuracy 0.900 by 300 audit labels" in capsys.readouterr().out.replace("\n", " ")


def test_reports_are_their_owners_alone_and_old_ones_go(task_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "reports" / NAME
    old = out / "20200101T000000Z_20200102T000000Z"
    old.mkdir(parents=True)
    os.utime(old, (0, 0))
    main([str(task_file), *log(tmp_path, rows_of_the_day()), *ENDS, "--window", "1d"])
    (window,) = (path for path in out.iterdir() if path.is_dir())
    assert window != old
    assert window.stat().st_mode & 0o777 == 0o700
    files = [out / "index.html", *window.iterdir()]
    assert {path.name: path.stat().st_mode & 0o777 for path in files} == dict.fromkeys(
        ("index.html", "report.html", "result.json"), 0o600
    )


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


def test_a_cluster_needs_ray(
    task_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, "monitoring.fleet", raising=False)
    monkeypatch.delattr(monitoring, "fleet", raising=False)
    assert main([str(task_file), *log(tmp_path, []), *ENDS, "--ray", "local"]) == 1
    assert "--ray needs Ray: pip install" in capsys.readouterr().err


def test_an_unknown_verdict_is_a_wrong_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["sample-reviews", "--fail-on", "drifft"])
    assert "'drifft' is no verdict; give some of contract, performance" in capsys.readouterr().err


def test_an_unknown_task_prints_no_traceback() -> None:
    command = [sys.executable, "-m", "monitoring", "no-such-task"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("No task 'no-such-task'. Give one of: ")


def eight_hours(root: Path, *arguments: str) -> list[str]:
    """Arguments that judge the day in three windows, not those judged before."""
    folders = ["--logs", str(root / "logs"), "--out", str(root / "reports")]
    return [*folders, "--window", "8h", "--until", "2026-11-17", *arguments]


def test_pictures_are_drawn_where_somebody_will_want_them(task_file: Path, tmp_path: Path) -> None:
    rows = rows_of_the_day(900)
    drifted = [row | {"n_chars": 5000} for row in rows[600:]]
    main([str(task_file), *log(tmp_path, rows[:600] + drifted), *ENDS, "--window", "8h"])
    found = [(result["verdict"], result["report"]) for result in results(tmp_path)]
    assert found == [("OK", "report.html"), ("OK", None), ("WATCH", "report.html")]
    drawn = [path.parent.name for path in sorted(tmp_path.rglob("report.html"))]
    assert drawn == ["20261116T000000Z_20261116T080000Z", "20261116T160000Z_20261117T000000Z"]
    page = (tmp_path / "reports" / NAME / "index.html").read_text()
    assert "WATCH" in page
    assert f"{drawn[1]}/report.html" in page


def test_what_is_drawn_goes_into_a_workspace_too(task_file: Path, tmp_path: Path) -> None:
    log(tmp_path, rows_of_the_day(900))
    workspace = tmp_path / "workspace"
    since = ["--since", "2026-11-16", "--workspace", str(workspace)]
    main([str(task_file), *eight_hours(tmp_path, *since)])
    assert len(list(workspace.rglob("snapshots/*.json"))) == 1


def test_a_missed_night_is_caught_up(
    task_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log(tmp_path, rows_of_the_day(600))
    assert main([str(task_file), *eight_hours(tmp_path, "--until", "2026-11-16T08:00")]) == 0
    assert len(results(tmp_path)) == 1
    assert main([str(task_file), *eight_hours(tmp_path)]) == 0
    assert len(results(tmp_path)) == 3
    capsys.readouterr()
    assert main([str(task_file), *eight_hours(tmp_path)]) == 0
    assert "Nothing new to judge" in capsys.readouterr().out


def test_late_rows_have_their_window_judged_again(
    task_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rows_of_the_day(900)
    arguments = [str(task_file), *eight_hours(tmp_path)]
    log(tmp_path, rows[:250] + rows[300:])
    main([*arguments, "--since", "2026-11-16"])
    log(tmp_path, rows[250:300])
    for _ in range(2):  # the second time there is nothing to do
        assert main(arguments) == 0
    assert "Nothing new to judge" in capsys.readouterr().out
    found = [(result["late_rows"], result["rows"]["logged"]) for result in results(tmp_path)]  # type: ignore[index]
    assert found == [(50, 300), (0, 300), (0, 300)]
    assert "300 <small>(50 late)" in (tmp_path / "reports" / NAME / "index.html").read_text()


def test_an_incident_is_told_once_when_it_opens_and_once_when_it_closes(
    task_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rows_of_the_day(900)
    drifted = [row | {"n_chars": 5000} for row in rows[:600]]
    arguments = [str(task_file), *log(tmp_path, drifted + rows[600:]), *ENDS, "--window", "8h"]
    monkeypatch.setenv("TOUCHSTONE_WEBHOOK_SECRET", "of-this-test")
    with receiving(400) as receiver:
        monkeypatch.setenv("TOUCHSTONE_WEBHOOK_URL", receiver.url)
        for _ in range(3):
            assert main(arguments) == 10
    messages = [json.loads(body) for body in receiver.bodies[1:]]  # the first one was refused
    assert [(one["event"], one["verdict"]) for one in messages] == [
        ("incident.opened", "DRIFT"),
        ("incident.closed", "OK"),
    ]
    assert all(Path(one["report"]).is_file() for one in messages)
    assert "answered 400: 2 to be delivered by the next run" in capsys.readouterr().err


def test_a_receiver_that_cannot_be_used_is_a_users_mistake(
    task_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOUCHSTONE_WEBHOOK_URL", "http://alerts.example.org")
    assert main([str(task_file), *log(tmp_path, []), *ENDS, "--window", "8h"]) == 1
    assert "TOUCHSTONE_WEBHOOK_URL is not usable" in capsys.readouterr().err


def test_metrics_are_written_for_a_collector(task_file: Path, tmp_path: Path) -> None:
    log(tmp_path, rows_of_the_day(900))
    file = tmp_path / "touchstone.prom"
    main([str(task_file), *eight_hours(tmp_path, "--metrics", str(file))])
    lines = file.read_text().splitlines()
    assert f'touchstone_monitor_verdict{{task="{NAME}",verdict="OK"}} 1.0' in lines
    assert f'touchstone_monitor_rows{{task="{NAME}"}} 300.0' in lines


def test_two_runs_at_once_tell_an_incident_once(task_file: Path, tmp_path: Path) -> None:
    broken = [row | {"n_chars": None} for row in rows_of_the_day()]
    arguments = [*log(tmp_path, broken), *ENDS, "--window", "1d"]
    with receiving() as receiver:
        environment = os.environ | {"TOUCHSTONE_WEBHOOK_URL": receiver.url, "TOUCHSTONE_WEBHOOK_SECRET": "s"}
        command = [sys.executable, "-m", "monitoring", str(task_file), *arguments]
        runs = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(2)]
        outputs = [run.communicate(timeout=100)[0] for run in runs]
    assert [run.returncode for run in runs] == [12, 12]
    assert outputs[0] == outputs[1]
    assert [json.loads(body)["event"] for body in receiver.bodies] == ["incident.opened"]
    assert [result["verdict"] for result in results(tmp_path)] == ["CONTRACT"]


def test_the_run_after_a_killed_one_does_the_rest(task_file: Path, tmp_path: Path) -> None:
    arguments = [str(task_file), *log(tmp_path, rows_of_the_day(900)), *ENDS, "--window", "2h"]
    with subprocess.Popen([sys.executable, "-m", "monitoring", *arguments]) as process:
        while process.poll() is None and len(results(tmp_path)) < 2:
            time.sleep(0.01)
        process.kill()
    assert len(results(tmp_path)) in (2, 3)
    main([str(task_file), *eight_hours(tmp_path, "--window", "2h")])
    assert len(results(tmp_path)) == 12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--loop"], "give --window too"),
        (["--metrics", "monitor.prom"], "give --window too"),
        (["--window", "1h", "--serve", "9000"], "give --loop too"),
        (["--window", "1h", "--loop", "--settle", "-1"], "give 0 seconds or more"),
        (["--window", "1h", "--loop", "--until", "2026-11-16"], "leave --until out"),
    ],
)
def test_options_that_need_another_say_so(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["sample-reviews", *arguments])
    assert message in capsys.readouterr().err


def test_a_flagged_window_is_explained(task_file: Path, tmp_path: Path) -> None:
    main([str(task_file), *log(tmp_path, rows_of_the_day(mean_length=5)), *ENDS])
    explanation: Any = results(tmp_path)[0]["explanation"]
    assert {one["column"] for one in explanation["columns"]} == {"n_chars", "n_tokens"}
    assert {one["by"] for one in explanation["slices"]} == {"length"}
    assert len(explanation["examples"]) == 5


def test_a_window_is_compared_with_the_version_that_served_it(task_file: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer"
    shutil.copytree(load_entry(TAG).path, newer, ignore=shutil.ignore_patterns("model.yaml"))
    save_entry(newer, f"{NAME}-onnx-int8:newer")
    try:
        arguments = [str(task_file), *log(tmp_path, rows_of_the_day()), *ENDS]
        assert [main(arguments), main([*arguments, "--version", "newer"])] == [0, 12]
    finally:
        bentoml.models.delete(f"{NAME}-onnx-int8:newer")
        (load_entry(TAG).path.parent / "latest").write_text(TAG.partition(":")[2])


def test_rows_of_a_version_that_is_gone_are_a_broken_contract(task_file: Path, tmp_path: Path) -> None:
    rows = [row | {"model_tag": f"{NAME}-onnx-int8:gone"} for row in rows_of_the_day()]
    assert main([str(task_file), *log(tmp_path, rows), *ENDS]) == 12
