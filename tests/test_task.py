"""The task file: what is wrong is named, what is right comes back equal."""

from pathlib import Path

import pytest

from bentos.task import TASKS_FOLDER, Task, TaskError, load_task, make_task

SHIPPED = sorted(path.stem for path in TASKS_FOLDER.glob("*.yaml"))
SMALL = {"name": "t", "labels": ["no", "yes"], "model_type": "distilbert"}


def write(folder: Path, text: str) -> Path:
    path = folder / "task.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_task_bears_the_name_of_its_file(name: str) -> None:
    assert load_task(name).name == name


@pytest.mark.parametrize("name", SHIPPED)
def test_a_task_written_as_yaml_comes_back_equal(name: str, tmp_path: Path) -> None:
    task = load_task(name, ["row_filter.app=[a, b]", "training.seed=7"])
    assert load_task(write(tmp_path, task.to_yaml())) == task


def test_an_unknown_task_lists_the_known_ones() -> None:
    with pytest.raises(TaskError, match=r"No task 'imbd-reviews'.*imdb-reviews, sample-reviews"):
        load_task("imbd-reviews")


def test_an_unknown_key_lists_the_known_ones() -> None:
    with pytest.raises(TaskError, match=r"unknown key 'epochs'. Known keys: name, labels, .*training"):
        make_task({**SMALL, "epochs": 3}, "here.yaml")


def test_an_unknown_key_of_a_section_lists_those_of_the_section() -> None:
    with pytest.raises(TaskError, match=r"unknown key 'serving.batch'. Known keys: max_batch_tokens"):
        make_task({**SMALL, "serving": {"batch": 3}}, "here.yaml")


def test_every_fault_is_named_with_the_file() -> None:
    with pytest.raises(TaskError) as caught:
        make_task({**SMALL, "max_seq_length": "long", "problem_type": "sorting"}, "here.yaml")
    assert str(caught.value).startswith("here.yaml is not a valid task")
    assert "max_seq_length: " in str(caught.value)
    assert "got 'sorting'" in str(caught.value)


def test_bare_yes_and_no_are_booleans_to_yaml_and_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "name: t\nmodel_type: distilbert\nlabels: [no, yes]\n")
    with pytest.raises(TaskError, match=r"labels.0: .*string, got False"):
        load_task(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ["yes", "yes"]}, "each label must be there once"),
        ({"labels": ["yes"]}, "at least two"),
        ({"text_column_names": ["a", "b", "c"]}, "two for a text pair"),
        ({"model_type": None}, "give model_name_or_path, or model_type"),
        ({"train_dir": "pictures"}, "train_dir, validation_dir and test_dir hold pictures"),
        ({"monitoring": {"log_inputs": "text"}}, "log_inputs: Input should be 'none', 'hash', 'redacted' or"),
        ({"monitoring": {"keep_texts_days": 0}}, "keep_texts_days: .* greater than 0, got 0"),
        ({"monitoring": {"keep_rows_days": float("nan")}}, "keep_rows_days: .* got nan"),
        ({"monitoring": {"keep_reports_days": float("inf")}}, "keep_reports_days: .* got inf"),
        ({"monitoring": {"max_log_bytes": -1}}, "max_log_bytes: .* greater than 0, got -1"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(TaskError, match=message):
        make_task({**SMALL, **change}, "here.yaml")


def test_a_regression_may_have_one_label() -> None:
    assert make_task({**SMALL, "labels": ["rating"], "problem_type": "regression"}, "").labels == ("rating",)


def test_one_text_column_may_be_a_plain_name() -> None:
    assert make_task({**SMALL, "text_column_names": "review"}, "").text_column_names == ("review",)


def test_overrides_are_yaml_and_reach_into_sections() -> None:
    changes = ["max_train_samples=10", "training.seed=7", "row_filter.source=a+b", "dataset_name=null"]
    task = load_task("imdb-reviews", [*changes, "serving.timeout=5"])
    assert (task.max_train_samples, task.training["seed"], task.dataset_name) == (10, 7, None)
    assert task.row_filter == {"source": "a+b"}
    assert task.serving.timeout == 5
    assert task.training["num_train_epochs"] == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("max_train_samples", "write key=value"),
        ("=3", "write key=value"),
        ("labels=[a", "the value is no YAML"),
        ("name.first=a", "'name' is no section"),
        ("max_trian_samples=3", "unknown key 'max_trian_samples'"),
    ],
)
def test_a_mistyped_override_is_named(override: str, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        load_task("imdb-reviews", [override])


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [b", "is not a YAML file"), ("just words", "holds str; a task file is a mapping")],
)
def test_a_file_that_is_no_task_is_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=message):
        load_task(write(tmp_path, text))


def test_a_task_cannot_be_changed() -> None:
    task = make_task(SMALL, "")
    with pytest.raises(AttributeError):
        task.name = "other"  # type: ignore[misc]
    assert isinstance(task, Task)
