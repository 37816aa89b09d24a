"""The training command as a user runs it: on a tiny model, through the real Trainer, export and store."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from transformers import BertConfig, BertForSequenceClassification

from bentos.model_store import load_entry, load_model, preprocess_of, read_reference, self_check
from bentos.task import load_task
from train.__main__ import main
from train.data import load_splits
from train.trainer import make_trainer, train_tokenizer

TINY = [
    "config_overrides={dim: 32, hidden_dim: 64, n_layers: 1, n_heads: 2, vocab_size: 500}",
    "max_train_samples=400",
    "max_eval_samples=120",
    "max_predict_samples=120",
    "max_accuracy_loss=0.2",
    "training.num_train_epochs=1",
]


def sets(*pairs: str) -> list[str]:
    return [part for pair in (*TINY, *pairs) for part in ("--set", pair)]


def last_run(runs: Path) -> dict[str, dict[str, dict[str, float]]]:
    return json.loads((runs / "sample-reviews" / "last_run.json").read_text())


@pytest.fixture(scope="module")
def runs(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    variants = ["--variants", "torch", "onnx", "onnx-int8", "--baseline"]
    assert main(["sample-reviews", "--runs", str(folder), *sets(), *variants]) == 0
    return folder


@pytest.mark.parametrize("variant", ["torch", "onnx", "onnx-int8"])
def test_each_variant_is_stored_complete(runs: Path, variant: str) -> None:
    entry = load_entry(last_run(runs)["tags"][variant])
    self_check(entry, load_model(entry.variant, entry.path, entry.task), preprocess_of(entry))
    assert entry.metrics["data_sha256"] == last_run(runs)["data_sha256"]


def test_an_entry_knows_the_words_of_its_reference(runs: Path) -> None:
    entry = load_entry(last_run(runs)["tags"]["onnx-int8"])
    vocabulary = json.loads((entry.path / "vocabulary.json").read_text())
    assert vocabulary["n_texts"] == len(read_reference(entry)) == 120
    words = [word for bucket in vocabulary["buckets"].values() for word in bucket]
    assert max(words, key=lambda word: word[1])[0] in (".", "the")
    assert min(n for _, n in words) == 3


def test_the_variants_share_one_version(runs: Path) -> None:
    assert len({tag.partition(":")[2] for tag in last_run(runs)["tags"].values()}) == 1


def test_the_pictures_are_there(runs: Path) -> None:
    names = {p.name for p in runs.rglob("*.png")}
    assert {"training_curve.png", "reliability-torch.png", "reliability-onnx-int8.png"} <= names
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in runs.rglob("*.png"))


def test_the_baseline_is_measured_on_the_same_split(runs: Path) -> None:
    assert 0.3 < last_run(runs)["baseline"]["accuracy"] < 1.0


def test_the_same_command_gives_the_same_metrics(runs: Path, tmp_path: Path) -> None:
    variants = ["--variants", "torch", "onnx", "onnx-int8"]
    assert main(["sample-reviews", "--runs", str(tmp_path), *sets(), *variants]) == 0
    assert last_run(tmp_path)["metrics"] == last_run(runs)["metrics"]


def test_the_gate_refuses_and_stores_nothing(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(store.rglob("model.yaml"))
    assert main(["sample-reviews", "--runs", str(tmp_path), *sets("max_accuracy_loss=-1")]) == 1
    assert "Refused" in capsys.readouterr().err
    assert sorted(store.rglob("model.yaml")) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample-review"], "No task 'sample-review'. Give one of"),
        (["sample-reviews", "--set", "traning={}"], "unknown key 'traning'"),
        (["sample-reviews", "--set", "training.learning_rat=1"], "learning_rat"),
        (["sample-reviews", "--set", "labels=[bad, good]"], "good"),
        (["imdb-reviews", "--set", "train_file=nowhere.csv"], "nowhere.csv"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--runs", str(tmp_path)]) == 1
    assert message in capsys.readouterr().err


def test_a_base_model_in_hub_layout_is_fine_tuned(store: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    tokenizer = train_tokenizer(["a game that is good", "a game that is bad"] * 20, 100, 128)
    tokenizer.save_pretrained(base)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
    )
    BertForSequenceClassification(config).save_pretrained(base)
    pairs = sets(f"model_name_or_path={base}", "model_type=null")
    assert main(["sample-reviews", "--runs", str(tmp_path), *pairs]) == 0
    config_stored = load_entry(last_run(tmp_path)["tags"]["torch"]).path / "config.json"
    assert json.loads(config_stored.read_text())["model_type"] == "bert"


def test_a_model_that_cannot_be_fetched_says_what_to_do(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "train", "sample-reviews", "--runs", str(tmp_path)]
    command += sets("model_name_or_path=distilbert-base-uncased")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 1
    assert "--set model_name_or_path=FOLDER" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_killed_training_goes_on_and_ends_the_same(store: Path, tmp_path: Path) -> None:
    pairs = sets("training.num_train_epochs=3", "max_train_samples=1200")
    assert main(["sample-reviews", "--runs", str(tmp_path / "whole"), *pairs]) == 0
    command = [sys.executable, "-m", "train", "sample-reviews", "--runs", str(tmp_path / "killed"), *pairs]
    with (tmp_path / "output").open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        wait_for(lambda: any((tmp_path / "killed").rglob("checkpoint-*/trainer_state.json")), process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    assert "Going on from" in done.stdout
    assert (
        last_run(tmp_path / "killed")["metrics"]["torch"] == last_run(tmp_path / "whole")["metrics"]["torch"]
    )


def test_two_processes_train_together(store: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    command += ["-m", "train", "sample-reviews", "--runs", str(tmp_path)]
    command += sets("training.use_cpu=true", "training.ddp_backend=gloo")
    done = subprocess.run(command, capture_output=True, text=True, timeout=115, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("Stored sample-reviews-torch") == 1
    assert last_run(tmp_path)["metrics"]["torch"]["n"] == 120


def test_a_sweep_uses_the_trainers_own_search(store: Path, tmp_path: Path) -> None:
    task = load_task("sample-reviews", TINY)
    trainer = make_trainer(task, load_splits(task), tmp_path)
    best = trainer.hyperparameter_search(
        hp_space=lambda trial: {"learning_rate": trial.suggest_float("learning_rate", 1e-5, 1e-3)},
        compute_objective=lambda metrics: metrics["eval_accuracy"],
        direction="maximize",
        n_trials=2,
        backend="optuna",
    )
    assert 1e-5 <= best.hyperparameters["learning_rate"] <= 1e-3
    assert best.objective > 0.3


def wait_for(condition, process: subprocess.Popen[bytes], deadline: float = 100) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + deadline
    while not condition():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)
