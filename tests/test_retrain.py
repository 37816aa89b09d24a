"""`python -m train.retrain`, on a task trained in two seconds: what it learns and what it promotes."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bentos.model_store import ModelError, load_entry, save_entry, versions
from bentos.production import in_production, promote
from tests.log_writing import wait_for
from tests.retraining import NEW, OLD, Place, answer, leave_result, make_place, texts
from tests.serving import ROOT
from train.__main__ import main as train
from train.mcnemar import Comparison
from train.outcome import Outcome
from train.retrain import check_still_served, main

Output = pytest.CaptureFixture[str]
FIRST = "first"


@pytest.fixture(scope="module")
def trained(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an int8 entry that has learned the old words."""
    place = make_place(tmp_path_factory.mktemp("trained"), "taught-reviews")
    assert train([str(place.task_file), "--runs", str(place.folder / "runs")]) == 0
    return load_entry("taught-reviews-onnx-int8:latest").path


@pytest.fixture
def place(trained: Path, tmp_path: Path) -> Place:
    """A task of this test alone; version `first` of it is served."""
    place = make_place(tmp_path, tmp_path.name.lower().strip("_"))
    folder = shutil.copytree(trained, tmp_path / "entry", ignore=shutil.ignore_patterns("model.yaml"))
    save_entry(folder, tag(place, FIRST))
    return place


def name(place: Place) -> str:
    return f"{place.name}-onnx-int8"


def tag(place: Place, version: str) -> str:
    return f"{name(place)}:{version}"


def stored(place: Place) -> list[str]:
    return versions(name(place))


def test_after_a_verdict_of_ok_nothing_is_done(place: Place, capsys: Output) -> None:
    leave_result(place, "OK", tag(place, FIRST))
    assert main(place.arguments("--if-drift", "--promote")) == 0
    assert "The last verdict is OK" in capsys.readouterr().out
    assert stored(place) == [FIRST]


def test_a_better_candidate_waits_for_its_promotion(place: Place, capsys: Output) -> None:
    answer(place.log, texts(NEW, "Bob"))
    leave_result(place, "DRIFT", tag(place, FIRST))
    assert main(place.arguments("--if-drift")) == 0
    (report,) = place.reports()
    candidate = load_entry(report["candidate"])
    assert (report["served"], report["promoted"]) == (tag(place, FIRST), False)
    assert report["recommendation"].startswith(f"Promote {candidate.tag}: ")
    assert report["monitor"]["verdict"] == "DRIFT"
    assert report["newest"]["p"] < report["alpha"]
    assert in_production(name(place)) is None
    assert load_entry(tag(place, "latest")).tag == tag(place, FIRST)
    assert f"python -m train.promote {candidate.tag}" in capsys.readouterr().out


def test_a_retrained_version_says_what_it_has_learned(place: Place) -> None:
    answer(place.log, texts(NEW, "Bob"))
    answer(place.log, texts(NEW, "Eve")[:10], "user", "complaint")
    assert main(place.arguments()) == 0
    (report,) = place.reports()
    assert report["labels"]["usable"] == {"audit": 252, "user": 10}
    assert (report["labels"]["added"], report["labels"]["newest"]) == (136, 126)
    metrics = load_entry(report["candidate"]).metrics
    assert metrics["retrained"]["instead_of"] == tag(place, FIRST)
    assert metrics["retrained"]["rows_added"] == metrics["data"]["labelled_rows_added"] == 136
    assert metrics["retrained"]["old_data_sha256"] == load_entry(tag(place, FIRST)).metrics["data_sha256"]
    assert metrics["data_sha256"] != metrics["retrained"]["old_data_sha256"]


def test_a_better_candidate_is_promoted_and_not_beaten_by_itself(place: Place) -> None:
    answer(place.log, texts(NEW, "Bob"))
    assert main(place.arguments("--promote")) == 0
    (report,) = place.reports()
    promotion = in_production(name(place))
    assert promotion
    assert tag(place, promotion["version"]) == report["candidate"]
    assert report["promoted"]
    assert main(place.arguments("--promote", "--set", "training.seed=2")) == 0
    again = next(one for one in place.reports() if one["served"] == report["candidate"])
    assert again["newest"]["rows"] == report["newest"]["rows"]
    assert again["newest"]["served_accuracy"] == report["newest"]["candidate_accuracy"]
    assert in_production(name(place)) == promotion


def test_what_is_not_better_beyond_chance_is_not_promoted(place: Place) -> None:
    answer(place.log, texts(OLD, "Bob"))
    assert main(place.arguments("--promote")) == 0
    (report,) = place.reports()
    assert report["recommendation"].startswith(f"Keep {tag(place, FIRST)}: ")
    assert report["notes"] == ["Beyond chance: two-sided p of McNemar's exact test up to 0.05."]
    assert in_production(name(place)) is None


def test_labels_without_a_text_are_told_with_what_to_do(place: Place, capsys: Output) -> None:
    rows = texts(NEW, "Bob")
    answer(place.log, [*rows[:80], *((None, label) for _, label in rows[80:])])
    assert main(place.arguments()) == 0
    said = capsys.readouterr().out
    assert "172 have no text: have the service store them from now on (monitoring: {log_inputs: full}" in said
    assert place.reports()[0]["labels"]["unusable"] == {"null_text": 172}


def test_too_few_labels_are_refused_and_kept_nowhere(place: Place, capsys: Output) -> None:
    answer(place.log, texts(NEW, "Bob")[:30])
    assert main(place.arguments()) == 1
    assert "Too few labels came back: 30 audit labels with a text (15)" in capsys.readouterr().err
    assert list((place.folder / "runs").rglob("labelled.jsonl")) == []
    assert stored(place) == [FIRST]


def test_what_was_promoted_meanwhile_is_not_overruled(place: Place) -> None:
    outcome = Outcome(
        served=tag(place, FIRST),
        candidate=tag(place, "second"),
        source="audit",
        newest=Comparison(100, 0.6, 0.8, 5, 25, 0.0003),
        test=Comparison(100, 0.8, 0.8, 5, 5, 1.0),
        same_data=True,
    )
    check_still_served(outcome)
    shutil.copytree(load_entry(outcome.served).path, place.folder / "other", dirs_exist_ok=True)
    (place.folder / "other" / "model.yaml").unlink()
    save_entry(place.folder / "other", tag(place, "other"), as_latest=False)
    promote(tag(place, "other"))
    with pytest.raises(ModelError, match=rf"Not promoted: .*by now {tag(place, 'other')} is served"):
        check_still_served(outcome)


def test_a_killed_run_goes_on_with_the_labels_it_had(place: Place) -> None:
    answer(place.log, texts(NEW, "Bob"))
    arguments = place.arguments("--set", "training.num_train_epochs=40")
    command = [sys.executable, "-m", "train.retrain", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT, start_new_session=True)
    wait_for(lambda: list((place.folder / "runs").rglob("checkpoint-*/trainer_state.json")), seconds=60)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)
    answer(place.log, texts(NEW, "Eve"), prefix="late", start=300)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=True)
    assert "Going on with the labels of" in done.stdout
    assert "Going on from" in done.stdout
    (report,) = place.reports()
    assert report["labels"]["usable"] == {"audit": 252}
    assert list((place.folder / "runs").rglob("labelled.jsonl")) == []


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "problem_type",
            "multi_label_classification",
            "problem_type is multi_label_classification; retraining is for single_label",
        ),
        ("labels", ["negative", "neutral", "positive"], "No version of this task can follow"),
        ("name", "absent-reviews", "No model 'absent-reviews-onnx-int8:latest'"),
        ("train_file", "absent.csv", "There is no file absent.csv"),
    ],
)
def test_a_task_that_cannot_be_retrained_is_told(
    place: Place, capsys: Output, key: str, value: object, message: str
) -> None:
    answer(place.log, texts(NEW, "Bob")[:1])
    assert main(place.arguments("--set", f"{key}={json.dumps(value)}")) == 1
    assert message in capsys.readouterr().err
    assert stored(place) == [FIRST]


def test_without_labels_or_verdict_it_says_what_is_missing(place: Place, capsys: Output) -> None:
    assert main(place.arguments("--if-drift")) == 1
    assert "There is no verdict yet" in capsys.readouterr().err
    assert main(place.arguments()) == 1
    assert "No label came back" in capsys.readouterr().err
