"""The command that scores files: rows kept, told and found again, whole after a kill."""

import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from bentos.production import promote, store_folder
from bentos.task import Task
from tests.tiny import tiny_splits
from train.score import PIECE, inputs_of, main, tag_of

LABELS = ("negative", "positive")
TEXTS = [f"{text} {i}" for i, text in enumerate(tiny_splits(LABELS).test.texts * 450)]
ROWS = PIECE["text-classification"]
MODEL = "sample-reviews-onnx-int8:tiny"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A file of a hundred rows."""
    path = tmp_path / "in.parquet"
    pd.DataFrame({"id": range(100), "text": TEXTS[:100]}).to_parquet(path)
    return path


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_every_row_keeps_its_columns_and_its_place(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, output = tmp_path / f"in.{suffix}", tmp_path / "out.parquet"
    frame = pd.DataFrame({"id": [str(i) for i in range(100)], "text": TEXTS[:100]})
    {"csv": frame.to_csv, "parquet": frame.to_parquet}.get(
        suffix, lambda path, index: frame.to_json(path, orient="records", lines=True)
    )(source, index=False)
    assert main([MODEL, str(source), str(output)]) == 0
    found = pd.read_parquet(output)
    pd.testing.assert_frame_equal(found[["id", "text"]], frame, check_dtype=False)
    assert list(found.columns[2:]) == [
        "label",
        "score",
        "score_negative",
        "score_positive",
        "truncated",
        "model_tag",
    ]
    assert set(found.label) <= set(LABELS)
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("store")
def test_rows_without_a_text_are_kept_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, output = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pd.DataFrame({"text": [None, "good", "", "  ", "\0"], "id": range(5)}).to_parquet(source)
    assert main([MODEL, str(source), str(output)]) == 0
    table = pq.read_table(output)
    assert table["id"].to_pylist() == list(range(5))
    assert [label is None for label in table["label"].to_pylist()] == [True, False, True, True, True]
    assert "5 rows" in (printed := capsys.readouterr().out)
    assert "4 without an answer" in printed


@pytest.mark.usefixtures("store")
def test_a_killed_run_is_finished_by_the_same_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, output, kept = tmp_path / "in.parquet", tmp_path / "out.parquet", tmp_path / "out.parquet.parts"
    pd.DataFrame({"text": TEXTS}).to_parquet(source)
    command = [sys.executable, "-m", "train.score", MODEL, str(source), str(output)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        while len(list(kept.glob("*.parquet"))) < 2 and process.poll() is None:
            time.sleep(0.01)
        process.kill()
    finished = len(list(kept.glob("*.parquet")))
    assert 2 <= finished < len(TEXTS) // ROWS
    assert not output.exists()
    assert main([MODEL.replace("-int8", ""), str(source), str(output)]) == 1
    assert "model_tag was sample-reviews-onnx-int8:tiny" in capsys.readouterr().err
    assert main([MODEL, str(source), str(output)]) == 0
    assert f"Scored now: {len(TEXTS) - finished * ROWS:,}" in capsys.readouterr().out
    table = pq.read_table(output)
    assert table["text"].to_pylist() == TEXTS
    assert table["label"].null_count == 0
    assert not kept.exists()


@pytest.mark.usefixtures("store")
def test_a_name_that_is_taken_is_told_and_a_prefix_helps(
    rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.parquet"
    pd.read_parquet(rows).assign(label="positive").to_parquet(rows)
    assert main([MODEL, str(rows), str(output)]) == 1
    assert "has label already" in capsys.readouterr().err
    assert main([MODEL, str(rows), str(output), "--prefix", "model_"]) == 0
    found = pd.read_parquet(output)
    assert set(found.label) == {"positive"}
    assert set(found.model_label) <= set(LABELS)


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("model", "source", "output", "told"),
    [
        (MODEL, "absent.parquet", "out.parquet", "There is no file"),
        (MODEL, "in.txt", "out.parquet", "has the suffix '.txt'"),
        (MODEL, "other.csv", "out.parquet", "has no column 'text'. Its columns: review"),
        (MODEL, "in.parquet", "in.parquet", "is the input"),
        (MODEL, "in.parquet", "out.csv", "a .parquet file was expected"),
        (MODEL, "in.parquet", "nowhere/out.parquet", "There can be no folder"),
        ("sample-reviews:nope", "in.parquet", "out.parquet", "Of 'sample-reviews-onnx-int8' there are"),
    ],
)
def test_a_typo_is_told_in_one_line(
    model: str,
    source: str,
    output: str,
    told: str,
    rows: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "in.txt").write_text("a text")
    (tmp_path / "other.csv").write_text("review\ngood\n")
    assert main([model, str(tmp_path / source), str(tmp_path / output)]) == 1
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("model", "tag"),
    [
        ("shop", "shop-onnx-int8:2"),
        ("shop-torch", "shop-torch:latest"),
        ("shop:1", "shop-onnx-int8:1"),
        ("shop-onnx:3", "shop-onnx:3"),
    ],
)
def test_without_a_version_the_one_in_production_is_meant(
    model: str, tag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path))
    (store_folder() / "shop-onnx-int8").mkdir(parents=True)
    promote("shop-onnx-int8:2")
    assert tag_of(model) == tag


def test_a_pair_lacking_a_text_is_no_input() -> None:
    import pyarrow as pa

    task = Task(name="t", labels=("a", "b"), model_type="bert", text_column_names=("text", "pair"))
    table = pa.table({"text": ["a", "b", None], "pair": ["c", None, "d"]})
    assert inputs_of(table, task, Path()) == [("a", "c"), None, None]
