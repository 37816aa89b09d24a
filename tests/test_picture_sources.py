"""Labelled pictures from class folders, CelebA's tables and data sets, in splits without leakage."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, Features, Image, Value

from bentos.task import Task, TaskError
from tests.pictures import LABELS, class_folders, file_of, picture, picture_task
from train.data import Splits, load_file, load_splits
from train.pictures import Picture
from train.sources import DataError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return class_folders(tmp_path_factory.mktemp("data") / "pictures")


def files_of(split: Any) -> list[bytes]:
    return [picture.read() for picture in split.texts]


def everything(splits: Splits) -> list[tuple[Picture, int]]:
    parts = (splits.train, splits.validation, splits.test)
    return [pair for part in parts for pair in zip(part.texts, part.labels, strict=True)]


def celeba(folder: Path, form: str) -> Path:
    """`list_attr_celeba` as it is shipped, or as a CSV, with its pictures beside it."""
    rows = []
    for i in range(60):
        (folder / f"{i:06}.jpg").write_bytes(file_of(picture(LABELS[i % 2], i), "JPEG"))
        rows.append((f"{i:06}.jpg", -1 if i % 3 else 1, 1 if i % 2 else -1))
    if form == "txt":
        lines = ["60", "Bald Smiling ", *(f"{name} {bald:2} {smiling:2}" for name, bald, smiling in rows)]
    else:
        lines = ["image_id,Bald,Smiling", *(",".join(map(str, row)) for row in rows)]
    path = folder / f"list_attr_celeba.{form}"
    path.write_text("\n".join(lines) + "\n")
    return path


def celeba_task(path: Path, *overrides: str) -> Task:
    names = (f"train_file={path}", "image_column_name=image_id", "label_column_name=Smiling")
    return picture_task(*names, *overrides)


def test_class_folders_are_the_labels(folder: Path) -> None:
    splits = load_splits(picture_task(f"train_dir={folder}"))
    found = Counter(label for _, label in everything(splits))
    assert found == {0: 60, 1: 60}
    for one, label in everything(splits):
        assert one.read() in {path.read_bytes() for path in (folder / LABELS[label]).iterdir()}


def test_folders_of_splits_are_taken_as_given(folder: Path, tmp_path: Path) -> None:
    held_out = class_folders(tmp_path / "held out", n=4)
    (held_out / "dark" / "new.png").write_bytes(file_of(picture("dark", 77)))
    splits = load_splits(picture_task(f"train_dir={folder}", f"test_dir={held_out}"))
    assert len(splits.test.labels) == 9
    assert splits.report["duplicates_removed"] == 8
    assert not {one.sha256 for one in splits.train.texts} & {one.sha256 for one in splits.test.texts}


@pytest.mark.parametrize("form", ["txt", "csv"])
def test_any_attribute_of_celebas_list_is_a_label(form: str, tmp_path: Path) -> None:
    splits = load_splits(celeba_task(celeba(tmp_path, form)))
    assert Counter(label for _, label in everything(splits)) == {0: 30, 1: 30}
    other = load_splits(celeba_task(tmp_path / f"list_attr_celeba.{form}", "label_column_name=Bald"))
    assert Counter(label for _, label in everything(other)) == {0: 40, 1: 20}


def test_the_pictures_of_a_table_may_lie_elsewhere(tmp_path: Path) -> None:
    table = celeba(tmp_path, "csv")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = table.rename(elsewhere / table.name)
    assert len(everything(load_splits(celeba_task(moved, f"train_dir={tmp_path}")))) == 60
    with pytest.raises(DataError, match="'no_picture': 60"):
        load_splits(celeba_task(moved))


def test_a_labelled_file_is_evaluated_on(tmp_path: Path) -> None:
    rows = load_file(celeba(tmp_path, "csv"), celeba_task(tmp_path / "unused.csv"))
    assert (len(rows.texts), sum(rows.labels)) == (60, 30)


def test_what_is_no_picture_is_left_out_and_counted(tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "pictures", n=30)
    whole = (folder / "dark" / "0.png").read_bytes()
    (folder / "dark" / "half.png").write_bytes(whole[:-200])
    (folder / "light" / "notes.txt").write_text("not a picture")
    (folder / "light" / ".DS_Store").write_bytes(b"hidden")
    splits = load_splits(picture_task(f"train_dir={folder}"))
    assert splits.report["no_picture"] == 2
    assert len(everything(splits)) == 60


def test_the_same_pictures_give_the_same_hash(folder: Path, tmp_path: Path) -> None:
    copy = class_folders(tmp_path / "another name")
    one, other = (load_splits(picture_task(f"train_dir={path}")) for path in (folder, copy))
    assert one.sha256 == other.sha256


def test_a_data_set_of_pictures_is_read_row_by_row(tmp_path: Path) -> None:
    values = {
        "image": [{"bytes": file_of(picture(LABELS[i % 2], i)), "path": None} for i in range(40)],
        "Smiling": [bool(i % 2) for i in range(40)],
        "celeb_id": [i // 4 for i in range(40)],
    }
    features = Features({"image": Image(), "Smiling": Value("bool"), "celeb_id": Value("int64")})
    Dataset.from_dict(values, features).to_parquet(tmp_path / "train.parquet")
    overrides = ("label_column_name=Smiling", "group_column_name=celeb_id", "test_split_percentage=30")
    splits = load_splits(
        picture_task(f"dataset_name={tmp_path}", *overrides, "validation_split_percentage=20")
    )
    assert Counter(label for _, label in everything(splits)) == {0: 20, 1: 20}
    assert sorted(one.read() for one, _ in everything(splits)) == sorted(v["bytes"] for v in values["image"])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("train_dir=nowhere",), "nowhere holds no pictures"),
        (("train_dir=tests", "labels=[cat, dog]"), "known: cat, dog; others found: "),
        (("dataset_name=null",), "--set train_dir=FOLDER"),
        (("train_file=README.txt",), "There is no file README.txt"),
    ],
)
def test_what_cannot_be_used_is_told(overrides: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_splits(picture_task(*overrides))


@pytest.mark.parametrize("log_inputs", ["redacted", "full"])
def test_pictures_are_never_stored_in_the_log(log_inputs: str) -> None:
    with pytest.raises(TaskError, match="give none or hash: pictures are not stored"):
        picture_task(f"monitoring.log_inputs={log_inputs}")
