"""Rows from files, from the Hub's layout and from the built-in corpus."""

import json
import os
import subprocess
import sys
from pathlib import Path

import datasets
import pandas as pd
import pytest

from tests.labelled import LABELS, all_texts, load, rows, task_of
from train.data import DataError, load_splits

WRITERS = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True),
    "json": lambda frame, path: frame.to_json(path, orient="records", lines=True),
    "parquet": lambda frame, path: frame.to_parquet(path),
}


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_file_format_gives_the_same_splits(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"rows.{suffix}"
    WRITERS[suffix](pd.DataFrame(rows()), path)
    expected = load(tmp_path, rows())
    found = load_splits(task_of(train_file=str(path)))
    assert (found.train, found.validation, found.test) == (expected.train, expected.validation, expected.test)
    assert found.sha256 == expected.sha256


def test_words_for_nothing_are_texts_in_csv(tmp_path: Path) -> None:
    data = [*rows(), {"text": "NA", "label": "positive"}, {"text": "null", "label": "negative"}]
    pd.DataFrame(data).to_csv(tmp_path / "rows.csv", index=False)
    splits = load_splits(task_of(train_file=str(tmp_path / "rows.csv")))
    assert {"NA", "null"} <= set(all_texts(splits))


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "blank.jsonl"
    path.write_text("\n\n".join(json.dumps(row) for row in rows()) + "\n\n")
    assert load_splits(task_of(train_file=str(path))).report["rows_read"] == 200


def test_half_a_surrogate_pair_is_replaced(tmp_path: Path) -> None:
    splits = load(tmp_path, [*rows(), {"text": "cut \ud83d", "label": "positive"}])
    assert "cut \ufffd" in all_texts(splits)


def test_the_row_filter_goes_first(tmp_path: Path) -> None:
    data = rows(app="a") + [row | {"text": None} for row in rows(50, app="b")] + rows(10, app=3)
    report = load(tmp_path, data, row_filter={"app": ["a", 3]}).report
    assert (report["filtered_out"], report["null_text"], sum(report["rows"].values())) == (50, 0, 210)


def test_a_split_column_is_followed(tmp_path: Path) -> None:
    data = [row | {"split": ("train", "dev", "Test", "unsup")[i // 2 % 4]} for i, row in enumerate(rows())]
    splits = load(tmp_path, data, split_column_name="split")
    assert splits.report["rows"] == {"train": 50, "validation": 50, "test": 50}
    assert splits.report["of_other_splits"] == 50


def test_an_absent_column_lists_those_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no column 'review'. Its columns: text, label, timestamp, group"):
        load(tmp_path, rows(), text_column_names="review")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.csv", None, "There is no file .*absent.csv"),
        ("rows.xlsx", b"", "suffix '.xlsx'; one of .csv, .json, .jsonl, .parquet"),
        ("rows.csv", b"text,label\na,b,positive\n", "cannot be read as .csv"),
        ("rows.csv", b"text,label\n\xff\xfe,positive\n", "cannot be read as .csv"),
        ("rows.jsonl", b'{"text": "a"}\n{"text"\n', "line 2"),
        ("rows.json", b'["a", "b"]\n', "line 1 is no object"),
        ("rows.jsonl", b"", "Its columns: none"),
        ("rows.parquet", b"no parquet", "cannot be read as .parquet"),
    ],
)
def test_an_unreadable_file_is_named(name: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_splits(task_of(train_file=str(tmp_path / name)))


def test_no_source_at_all_says_what_to_give() -> None:
    with pytest.raises(DataError, match="--set train_file=FILE"):
        load_splits(task_of())


def test_the_sample_corpus_is_built_in() -> None:
    report = load_splits(task_of(dataset_name="sample-reviews", max_train_samples=500)).report
    assert report["rows"]["train"] == 500
    assert report["unknown_label"] == report["empty_text"] == 0


def hub_folder(folder: Path, names: list[str]) -> str:
    """A data set in the Hub's layout with ClassLabel numbers and a split that nobody asked for."""
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=names)}
    )
    for split, n in (("train", 200), ("test", 40), ("unsupervised", 10)):
        data = {"text": [f"{split} {i}" for i in range(n)], "label": [i % 2 for i in range(n)]}
        folder.joinpath(split).mkdir(parents=True)
        datasets.Dataset.from_dict(data, features).to_parquet(folder / split / "0.parquet")
    configs = "".join(f"  - {{split: {s}, path: {s}/*}}\n" for s in ("train", "test", "unsupervised"))
    folder.joinpath("README.md").write_text(
        f"---\nconfigs:\n- config_name: default\n  data_files:\n{configs}---\n"
    )
    return str(folder)


@pytest.mark.parametrize(
    ("names", "first"), [(["neg", "pos"], "negative"), (["positive", "negative"], "positive")]
)
def test_hub_numbers_go_by_name_where_the_names_are_ours(
    names: list[str], first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    splits = load_splits(task_of(dataset_name=hub_folder(tmp_path / "set", names)))
    assert splits.report["rows_read"] == 240
    assert splits.test.texts[0] == "test 0"
    assert LABELS[splits.test.labels[0]] == first


def test_a_hub_set_without_a_train_split_lists_its_splits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    pd.DataFrame(rows()).to_parquet(tmp_path / "test.parquet")
    with pytest.raises(DataError, match=r"has no split 'train'\. Its splits: test"):
        load_splits(task_of(dataset_name=str(tmp_path)))


def test_a_train_file_goes_before_the_data_set(tmp_path: Path) -> None:
    assert load(tmp_path, rows(), dataset_name="somebody/something").report["rows_read"] == 200


def test_offline_the_hub_failure_says_what_to_do(tmp_path: Path) -> None:
    code = "from bentos.task import *; from train.data import *; load_splits(load_task('imdb-reviews'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "DataError: The data set 'stanfordnlp/imdb' could not be loaded" in done.stderr
    assert "--set train_file=FILE" in done.stderr
