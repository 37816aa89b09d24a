"""The task: one frozen dataclass is the whole configuration of a system, one YAML file fills it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import ConfigDict, Field, PositiveInt, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

TASKS_FOLDER = Path(__file__).parent / "tasks"
STRICT = ConfigDict(extra="forbid")

PipelineTag = Literal["text-classification", "image-classification"]
ProblemType = Literal["single_label_classification", "multi_label_classification", "regression"]
LogInputs = Literal["none", "hash", "redacted", "full"]
Days = Annotated[float, Field(gt=0, le=36_500)]


class TaskError(ValueError):
    """A task file, task name or override that cannot be used; the message says what was expected."""


@dataclass(frozen=True, config=STRICT)
class Serving:
    """How the service batches and what it refuses."""

    max_batch_tokens: int = 4096  # padded tokens in one model call
    max_queue_tokens: int = 65536  # tokens waiting; beyond this a request is refused with 429
    max_items: int = 1024  # inputs in one request
    max_body_bytes: int = 8 * 2**20  # of one request
    timeout: float = 30.0  # seconds until an answer; what would have to wait longer is refused on arrival
    answer_cache: int = 10_000  # answers kept for inputs that come again; 0: none, nor shared under way
    drain_seconds: float = 7.0  # it goes on answering after SIGTERM: a proxy needs them to see /readyz say no


@dataclass(frozen=True, config=STRICT)
class Monitoring:
    """What is logged, how long it is kept, and how often a drift alarm may be false."""

    reference_size: int = 5000  # held-out rows kept in the store entry
    log_inputs: LogInputs = "hash"  # what is kept of an input beside numbers that describe it
    keep_rows_days: Days = 90  # answers, labels, comparisons with a shadow
    keep_texts_days: Days = 30  # the texts of `redacted` and `full`
    keep_reports_days: Days = 365  # what the monitor wrote
    max_log_bytes: PositiveInt = 10 * 2**30  # of each kind of log file; beyond it the oldest ones go
    false_alarms_per_month: float = 1.0  # how many you can bear


@dataclass(frozen=True, config=STRICT)
class Task:
    """One system. Keys are spelled as the library that consumes them spells them."""

    name: str  # Bento name, model-tag prefix, log and report folder
    labels: tuple[str, ...]  # position = label id
    pipeline_tag: PipelineTag = "text-classification"  # what an input is
    problem_type: ProblemType = "single_label_classification"  # what an answer is

    model_name_or_path: str | None = None  # null: from scratch, by model_type and config_overrides
    model_type: str | None = None  # of a model from scratch: a name that transformers' AutoConfig knows
    config_overrides: dict[str, Any] = field(default_factory=dict)  # of its configuration: sizes, dropout
    max_seq_length: int = 256  # tokens that the model reads; longer texts are cut, and say so

    dataset_name: str | None = None  # a Hub data set, or "sample-reviews"
    dataset_config_name: str | None = None  # the configuration of a Hub data set
    train_file: str | None = None  # CSV, JSON lines or Parquet; goes before dataset_name
    validation_file: str | None = None  # likewise; cut from train where there is none
    test_file: str | None = None  # likewise
    train_dir: str | None = None  # pictures: a folder for each label; or where those of a train_file lie
    validation_dir: str | None = None  # likewise
    test_dir: str | None = None  # likewise
    text_column_names: tuple[str, ...] = ("text",)  # two names make a text pair
    image_column_name: str = "image"  # pictures, or the names of their files
    label_column_name: str | None = "label"  # null: several labels, each a column of its own, 0 or 1
    timestamp_column_name: str | None = None  # split by time: the newest rows are the test split
    group_column_name: str | None = None  # rows of one group are never on both sides
    split_column_name: str | None = None  # a column that says train / validation / test
    user_column_name: str | None = None  # of ratings: ranking is measured for each user
    item_column_name: str | None = None  # what was rated: for the baseline of user and item biases
    row_filter: dict[str, Any] = field(default_factory=dict)  # column: value that a row must have
    validation_split_percentage: float = 10  # of train, where the data bring no such split
    test_split_percentage: float = 15  # likewise
    max_train_samples: int | None = None  # at most so many rows
    max_eval_samples: int | None = None  # likewise of the validation split
    max_predict_samples: int | None = None  # likewise of the test split

    training: dict[str, Any] = field(default_factory=dict)  # transformers.TrainingArguments, verbatim
    quantization: str | None = None  # an optimum AutoQuantizationConfig name; by the CPU when absent
    max_accuracy_loss: float = 0.01  # of a quantized variant against torch, on the test split; RMSE: relative
    serving: Serving = Serving()  # how the service batches and what it refuses
    monitoring: Monitoring = Monitoring()  # what is logged, for how long, and how often an alarm may be false

    def __post_init__(self) -> None:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"labels are {list(self.labels)}; each label must be there once")
        if self.problem_type != "regression" and len(self.labels) < 2:
            raise ValueError(f"labels are {list(self.labels)}; a classifier needs at least two")
        if self.problem_type == "regression" and len(self.labels) != 1:
            raise ValueError(f"labels are {list(self.labels)}; a regression has one, the name of its number")
        if self.problem_type != "multi_label_classification" and self.label_column_name is None:
            raise ValueError("label_column_name is null; that is for multi_label_classification only")
        if len(self.text_column_names) not in (1, 2):
            raise ValueError(
                f"text_column_names are {list(self.text_column_names)}; give one, or two for a text pair"
            )
        if self.reads_pictures and self.monitoring.log_inputs in ("redacted", "full"):
            given = self.monitoring.log_inputs
            raise ValueError(f"monitoring.log_inputs is {given}; give none or hash: pictures are not stored")
        if not self.reads_pictures and (self.train_dir or self.validation_dir or self.test_dir):
            raise ValueError(
                "train_dir, validation_dir and test_dir hold pictures; give a train_file of texts"
            )
        shares = (self.validation_split_percentage, self.test_split_percentage)
        if min(shares) <= 0 or sum(shares) >= 100:
            raise ValueError(
                f"validation and test split are {shares} per cent; give more than 0, together < 100"
            )
        if not (self.model_name_or_path or self.model_type):
            raise ValueError("give model_name_or_path, or model_type to train one from scratch")

    @property
    def reads_pictures(self) -> bool:
        """Whether an input is a picture; otherwise it is a text or a pair of texts."""
        return self.pipeline_tag == "image-classification"

    @property
    def input_column_names(self) -> tuple[str, ...]:
        """The columns of the data that the model reads."""
        return (self.image_column_name,) if self.reads_pictures else self.text_column_names

    @property
    def label_column_names(self) -> tuple[str, ...]:
        """The column of the labels, or the one of each label."""
        return (self.label_column_name,) if self.label_column_name else self.labels

    def to_yaml(self) -> str:
        """The task as a YAML text that `load_task` reads back equal."""
        return yaml.safe_dump(_plain(asdict(self)), sort_keys=False, allow_unicode=True)


def load_task(name_or_path: str | Path, overrides: Iterable[str] = ()) -> Task:
    """Read a task by its name or by the path of a YAML file, then apply `key=value` overrides.

    Raises TaskError: no such task, no YAML, an unknown key or a value of a wrong type.
    """
    path = task_path(name_or_path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TaskError(f"{path} is not a YAML file: {error}") from error
    if not isinstance(values, dict):
        raise TaskError(f"{path} holds {type(values).__name__}; a task file is a mapping of key: value lines")
    for override in overrides:
        set_key(values, override)
    return make_task(values, source=str(path))


def task_path(name_or_path: str | Path) -> Path:
    """The YAML file of a task name, or the path itself; raises TaskError where there is none."""
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = TASKS_FOLDER / f"{name_or_path}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in TASKS_FOLDER.glob("*.yaml")))
        raise TaskError(f"No task '{name_or_path}'. Give one of: {known}; or the path of a YAML file.")
    return path


def set_key(values: dict[str, Any], override: str) -> None:
    """Set one `key=value` or `section.key=value` in place; the value is read as YAML."""
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise TaskError(f"--set got '{override}'; write key=value, for example training.seed=1")
    *sections, last = key.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise TaskError(f"--set got '{override}', but '{section}' is no section")
    try:
        values[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise TaskError(f"--set got '{override}'; the value is no YAML: {error}") from error


def make_task(values: Mapping[str, Any], source: str) -> Task:
    """Check a mapping and make the Task; raises TaskError naming `source` and every fault."""
    values = dict(values)
    if isinstance(values.get("text_column_names"), str):
        values["text_column_names"] = [values["text_column_names"]]
    try:
        return TypeAdapter(Task).validate_python(values)
    except ValidationError as error:
        faults = "\n".join(f"  {_fault(dict(e))}" for e in error.errors())
        raise TaskError(f"{source} is not a valid task:\n{faults}") from error


def _fault(error: dict[str, Any]) -> str:
    """One line for one pydantic error; an unknown key gets the list of the known ones."""
    *sections, key = [str(part) for part in error["loc"]] or [""]
    if error["type"] == "unexpected_keyword_argument":
        known = {"serving": Serving, "monitoring": Monitoring}.get(sections[0] if sections else "", Task)
        names = ", ".join(f.name for f in fields(known))
        return f"unknown key '{'.'.join([*sections, key])}'. Known keys: {names}"
    where = ".".join([*sections, key]).strip(".")
    message = error["msg"].removeprefix("Value error, ")
    return f"{where}: {message}, got {error['input']!r}" if where else message


def _plain(value: Any) -> Any:
    """Tuples to lists, through all levels, so that safe YAML can write them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
