"""Metrics as Prometheus reads them: from a file, and over HTTP."""

import re
import urllib.request
from datetime import timedelta
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from monitoring.exposition import Exposition
from monitoring.history import Record
from tests.monitoring_records import START, labelled, make_record

Series = dict[tuple[str, ...], float]  # by name and label values other than the task


def show(exposition: Exposition, newest: Record, incident_open: bool = False, undelivered: int = 0) -> None:
    exposition.show(
        newest,
        windows=7,
        incident_open=incident_open,
        undelivered=undelivered,
        seconds=2.5,
        at=START + timedelta(days=1),
    )


def read(text: str) -> Series:
    found: Series = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert sample.labels["task"] == "sample-reviews"
            others = [value for label, value in sample.labels.items() if label != "task"]
            found[(sample.name.removeprefix("touchstone_monitor_"), *others)] = sample.value
    return found


def written(exposition: Exposition, folder: Path) -> Series:
    exposition.write(folder / "monitor.prom")
    assert [path.name for path in folder.iterdir()] == ["monitor.prom"]
    return read((folder / "monitor.prom").read_text())


def test_the_file_has_the_run_and_the_newest_window(tmp_path: Path) -> None:
    exposition = Exposition()
    newest = make_record(3, "DRIFT", flagged=True, performance=labelled(0.85))
    show(exposition, newest, incident_open=True, undelivered=2)
    series = written(exposition, tmp_path)
    verdicts = {key[1]: value for key, value in series.items() if key[0] == "verdict"}
    assert verdicts == dict.fromkeys(verdicts, 0) | {"DRIFT": 1}
    assert len(verdicts) == 6
    assert {key: value for key, value in series.items() if key[0] != "verdict"} == {
        ("last_success_timestamp_seconds",): (START + timedelta(days=1)).timestamp(),
        ("last_run_duration_seconds",): 2.5,
        ("windows_judged",): 7,
        ("incident_open",): 1,
        ("webhook_undelivered",): 2,
        ("window_end_timestamp_seconds",): (START + timedelta(hours=4)).timestamp(),
        ("rows",): 300,
        ("drift_distance", "n_chars"): 0.25,
        ("drift_distance", "label"): 0.01,
        ("drift_p", "n_chars"): 0.2,
        ("drift_p", "label"): 0.2,
        ("alarm_threshold",): 0.001,
        ("accuracy", "audit"): 0.85,
        ("accuracy_low", "audit"): 0.85 - 0.08,
        ("accuracy_high", "audit"): 0.85 + 0.06,
    }


def test_the_readme_names_every_metric(tmp_path: Path) -> None:
    exposition = Exposition()
    show(exposition, make_record(3, performance=labelled(0.85)))
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    table = readme.partition("`touchstone_monitor_...{task}`")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)", table)) == {key[0] for key in written(exposition, tmp_path)}


def test_the_next_run_replaces_the_series(tmp_path: Path) -> None:
    exposition = Exposition()
    show(exposition, make_record(1, performance=labelled(0.9)))
    show(exposition, make_record(2, "INSUFFICIENT", drift=[], rows=3))
    series = written(exposition, tmp_path)
    assert series["verdict", "INSUFFICIENT"] == 1
    assert not [key for key in series if key[0] in ("drift_distance", "drift_p", "accuracy")]


def test_before_the_first_success_there_is_nothing(tmp_path: Path) -> None:
    assert written(Exposition(), tmp_path) == {}


def test_metrics_are_served_on_this_machine() -> None:
    exposition = Exposition()
    with exposition.serve(0) as server:
        show(exposition, make_record(1))
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=5) as response:
            assert read(response.read().decode())["rows",] == 300
        server.shutdown()
