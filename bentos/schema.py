"""The schema of /predict and /feedback: from JSON values to inputs, parameters and rows."""

import re
from binascii import a2b_base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from numpy.typing import NDArray
from pydantic import WithJsonSchema

from bentos.incoming import REQUEST_ID, RequestError
from bentos.log_files import utc_text
from bentos.model_input import AnyEncoded, Input, TextInput
from bentos.postprocess import Floats, probabilities
from bentos.task import Task

FIELDS = {"/predict": ("inputs", "parameters"), "/feedback": ("request_id", "index", "label", "source")}
FUNCTIONS = {  # function_to_apply, in Hugging Face's words and in ours
    "softmax": "single_label_classification",
    "sigmoid": "multi_label_classification",
    "none": "regression",
}
SOURCES = ("audit", "user")
MAX_TAGS = 8  # of a request, which its log rows carry
MAX_TAG_CHARS = 64  # of a value
DATA_URL = re.compile("data:image/[a-z0-9.+-]{1,40};base64,", re.IGNORECASE)
MAX_NUMBER = 1e100  # as a label: sums of squares of larger ones overflow
TAG_KEY = re.compile("[a-z][a-z0-9_]{0,31}")
KINDS = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "a boolean",
    int: "a number",
    float: "a number",
}

_TEXT = {"type": "string", "minLength": 1}
_PAIR = {"type": "object", "properties": {"text": _TEXT, "text_pair": _TEXT}, "required": ["text"]}
_INPUT = {"anyOf": [_TEXT, _PAIR]}
INTERVAL: dict[str, Any] = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
SCORE = {"label": {"type": "string"}, "score": {"type": "number"}, "interval": INTERVAL}
_SCORES = {
    "type": "array",
    "items": {"type": "object", "properties": SCORE},
}
TAGS = {
    "type": "object",
    "description": "Logged with each input, to tell parts of the traffic apart.",
    "propertyNames": {"pattern": f"^{TAG_KEY.pattern}$"},
    "additionalProperties": {"type": "string", "maxLength": MAX_TAG_CHARS},
    "maxProperties": MAX_TAGS,
}
_PARAMETERS = {
    "top_k": {"type": "integer", "minimum": 1},
    "function_to_apply": {"type": "string", "enum": list(FUNCTIONS)},
    "tags": TAGS,
}

# Any for BentoML, whose own checks would answer in other words and log the input; the schema is for people.
Inputs = Annotated[Any, WithJsonSchema({"anyOf": [_TEXT, _PAIR, {"type": "array", "items": _INPUT}]})]
Parameters = Annotated[Any, WithJsonSchema({"type": "object", "properties": _PARAMETERS})]
Scores = Annotated[Any, WithJsonSchema({"anyOf": [_SCORES, {"type": "array", "items": _SCORES}]})]
RequestId = Annotated[Any, WithJsonSchema({"type": "string", "pattern": REQUEST_ID.pattern.decode()})]
Index = Annotated[Any, WithJsonSchema({"type": "integer", "minimum": 0})]
Label = Annotated[Any, WithJsonSchema({"type": ["string", "number", "array"]})]
Source = Annotated[Any, WithJsonSchema({"type": "string", "enum": list(SOURCES)})]


@dataclass(frozen=True)
class Options:
    """The `parameters` of a request."""

    top_k: int | None
    function_to_apply: str | None
    tags: dict[str, str]

    def scores(self, logits: NDArray[Any], calibrated: Floats) -> Floats:
        """The scores asked for [n, labels]: the calibrated ones, unless a function was named."""
        if self.function_to_apply is None:
            return calibrated
        return probabilities(logits, FUNCTIONS[self.function_to_apply])


def read_inputs(inputs: Any, task: Task) -> list[Input]:
    """The inputs of a request, a single one as a list of one; raises RequestError 400 or 413."""
    if inputs is None:
        raise RequestError(400, f"inputs is missing; expected {_expected(task)}, or a list of them.")
    if not isinstance(inputs, list):
        return [READ_INPUT[task.pipeline_tag](inputs, "inputs", task)]
    if not inputs:
        raise RequestError(400, "inputs is an empty list; expected at least one input.")
    if len(inputs) > task.serving.max_items:
        limit = task.serving.max_items
        raise RequestError(413, f"{len(inputs):,} inputs were given; send at most {limit:,} in one request.")
    read = READ_INPUT[task.pipeline_tag]
    return [read(value, f"inputs[{i}]", task) for i, value in enumerate(inputs)]


def read_parameters(parameters: Any) -> Options:
    """The parameters of a request; raises RequestError 400 for an unknown one or a wrong value."""
    values = {} if parameters is None else parameters
    if not isinstance(values, dict):
        raise RequestError(400, f"parameters is {_kind(values)}, expected an object.")
    if not values.keys() <= _PARAMETERS.keys():
        raise RequestError(400, f"parameters has an unknown key; known are {', '.join(_PARAMETERS)}.")
    top_k, function = values.get("top_k"), values.get("function_to_apply")
    if top_k is not None:
        top_k = _whole(top_k, 1, "parameters.top_k")
    if function is not None and function not in tuple(FUNCTIONS):
        raise RequestError(400, f"parameters.function_to_apply is not one of {', '.join(FUNCTIONS)}.")
    return Options(top_k, function, _tags(values.get("tags")))


def feedback_row(body: Mapping[str, Any], task: Task) -> dict[str, Any]:
    """The feedback row of a request; raises RequestError 400."""
    request_id, index = body.get("request_id"), body.get("index", 0)
    label, source = body.get("label"), body.get("source", "user")
    if not (isinstance(request_id, str) and REQUEST_ID.fullmatch(request_id.encode("utf-8", "replace"))):
        raise RequestError(400, "request_id is not the X-Request-ID of an answer.")
    index = _whole(index, 0, "index")
    CHECK_LABEL[task.problem_type](label, task)
    if source not in SOURCES:
        raise RequestError(400, f"source is not one of {', '.join(SOURCES)}.")
    ts = utc_text(datetime.now(UTC))
    return {"ts": ts, "request_id": request_id, "index": index, "label": label, "source": source}


def _check_class(label: Any, task: Task) -> None:
    if not isinstance(label, str) or label not in task.labels:
        raise RequestError(400, f"label is not one of {', '.join(task.labels)}.")


def _check_classes(labels: Any, task: Task) -> None:
    if not isinstance(labels, list):
        raise RequestError(400, f"label is {_kind(labels)}, expected a list of labels.")
    if not all(isinstance(label, str) and label in task.labels for label in labels):
        raise RequestError(400, f"label has an item that is not one of {', '.join(task.labels)}.")


def _check_number(label: Any, task: Task) -> None:
    if isinstance(label, bool) or not isinstance(label, int | float):
        raise RequestError(400, f"label is {_kind(label)}, expected a number.")
    if not abs(label) <= MAX_NUMBER:
        raise RequestError(400, "label is infinite or too large, expected a number.")


CHECK_LABEL: dict[str, Callable[[Any, Task], None]] = {
    "single_label_classification": _check_class,
    "multi_label_classification": _check_classes,
    "regression": _check_number,
}


def check_encoded(encoded: Sequence[AnyEncoded]) -> None:
    """Raises RequestError 400 for an input of which the tokenizer keeps nothing, such as a NUL character."""
    for i, item in enumerate(encoded):
        if item.is_empty:
            raise RequestError(400, f"inputs[{i}] holds no character that the model reads, expected a text.")


def _tags(value: Any) -> dict[str, str]:
    tags = {} if value is None else value
    if not isinstance(tags, dict):
        raise RequestError(400, f"parameters.tags is {_kind(tags)}, expected an object of texts.")
    if len(tags) > MAX_TAGS:
        raise RequestError(400, f"parameters.tags has {len(tags):,} tags; give at most {MAX_TAGS}.")
    if not all(TAG_KEY.fullmatch(key) for key in tags):
        raise RequestError(
            400,
            "parameters.tags has a key that is none; expected a lower-case letter, then up to 31 lower-case "
            "letters, digits or _.",
        )
    for text in tags.values():
        if not isinstance(text, str):
            raise RequestError(400, f"parameters.tags has a value that is {_kind(text)}, expected texts.")
        if len(text) > MAX_TAG_CHARS:
            raise RequestError(400, f"parameters.tags has a value of more than {MAX_TAG_CHARS} characters.")
    return tags


def _texts(value: Any, place: str, task: Task) -> TextInput:
    if isinstance(value, str):
        value = {"text": value}
    elif not isinstance(value, dict):
        raise RequestError(400, f"{place} is {_kind(value)}, expected {_expected(task)}.")
    names = ("text", "text_pair")[: len(task.text_column_names)]
    if not set(names) == value.keys():
        raise RequestError(400, f"{place} has the wrong texts, expected {_expected(task)}.")
    texts = [_text(value[name], place, name) for name in names]
    return texts[0] if len(texts) == 1 else (texts[0], texts[1])


def _text(value: Any, place: str, name: str) -> str:
    if not isinstance(value, str):
        raise RequestError(400, f"{name} of {place} is {_kind(value)}, expected a text.")
    if not value.strip():
        raise RequestError(400, f"{place} is empty or only spaces, expected a text.")
    return value


def _picture(value: Any, place: str, task: Task) -> bytes:
    """The bytes of a picture: given as such by a body that is no JSON, or in base64, also as a data URL."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise RequestError(400, f"{place} is {_kind(value)}, expected {_expected(task)}.")
    found = DATA_URL.match(value)
    if found is None and "://" in value[:16]:
        raise RequestError(400, f"{place} is a URL, which is not fetched; expected {_expected(task)}.")
    try:
        return a2b_base64("".join(value[found.end() if found else 0 :].split()), strict_mode=True)
    except ValueError:
        raise RequestError(400, f"{place} is not base64; expected {_expected(task)}.") from None


READ_INPUT: dict[str, Callable[[Any, str, Task], Input]] = {
    "text-classification": _texts,
    "image-classification": _picture,
}


def _expected(task: Task) -> str:
    if task.reads_pictures:
        return "a picture in base64"
    return "a text" if len(task.text_column_names) == 1 else 'a pair {"text": ..., "text_pair": ...}'


def _kind(value: Any) -> str:
    return KINDS.get(type(value), "null")


def _whole(value: Any, least: int, name: str) -> int:
    """A JSON number as a whole one, 3.0 too as JSON Schema has it; raises RequestError 400."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value // 1 != value or value < least:
        raise RequestError(400, f"{name} is not a whole number from {least} on.")
    return int(value)
