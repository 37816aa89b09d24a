"""The OpenAPI document of a task's service: what bentos/schema.py enforces, and every status there is.

Not in it: 404 and 405, which no route gives to its own method, BentoML's own pages, and what the page at
/ui asks.
"""

from collections.abc import Mapping
from typing import Any

from bentos.incoming import MAX_HEADER_BYTES, REQUEST_ID
from bentos.pictures import FORMATS, MAX_PIXELS
from bentos.postprocess import COVERAGE
from bentos.schema import FUNCTIONS, INTERVAL, MAX_NUMBER, SOURCES, TAGS
from bentos.task import Task

Json = dict[str, Any]

VISIBLE = (
    r"[\p{L}\p{N}\p{P}\p{S}]"  # of spaces, control characters and lone accents BERT's tokenizer keeps nothing
)
CONTRACT = "1"  # the next number when clients written for this one would break
ERRORS = {
    400: "The body is not what its schema says, or an input is none that the model can read.",
    401: "No API key, or an unknown one; only where the service has keys.",
    408: "The body was not complete in time.",
    413: "The body, the number of inputs or of their tokens is above its limit; send less at once.",
    415: "The Content-Type is none that the route takes.",
    429: "Refused on arrival: too much waits already.",
    431: f"The headers are larger than {MAX_HEADER_BYTES:,} bytes together.",
    500: "An error of the service, not of the request.",
    503: "The model must not answer on this machine, or the service starts, ends or has lost a process.",
    504: "There was no answer in time.",
}
ROUTE_ERRORS = {
    "/predict": (400, 401, 408, 413, 415, 429, 431, 500, 503, 504),
    "/feedback": (400, 401, 408, 413, 415, 431, 500),
    "/livez": (431, 500),
    "/readyz": (431, 500, 503),
    "/metrics": (401, 408, 413, 431, 500),
    "/docs.json": (401, 408, 413, 431, 500),
}
ERROR_HEADERS: Mapping[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
HEADERS: dict[str, Json] = {
    "X-Request-ID": {"description": "The request's own or a new one; feedback names it."},
    "X-Model-Tag": {"description": "The version that answered."},
    "X-Truncated": {"description": "How many inputs were cut at the model's length; absent when none was."},
    "X-Truncated-At": {
        "description": "Characters read of a single input that was cut; of a pair two numbers, with a comma."
    },
    "Retry-After": {"description": "Seconds until another try is worth it; always with 429."},
    "WWW-Authenticate": {"description": "The scheme of the keys."},
}
WHOLE_NUMBERS = ("X-Truncated", "Retry-After")
OPTIONAL = (*WHOLE_NUMBERS, "X-Truncated-At")
PREDICTED = ("X-Model-Tag", "X-Truncated", "X-Truncated-At")  # of an answer of /predict
REQUEST_ID_GIVEN = {
    "name": "X-Request-ID",
    "in": "header",
    "description": "1 to 128 printable ASCII characters without spaces; anything else is replaced.",
    "schema": {"type": "string"},
}
EXAMPLE = {"text": "Great art, shame about the netcode.", "text_pair": "Local co-op is where it shines."}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
PICTURES = (
    "Hugging Face's image classification task: its InferenceClient works with this route. A picture may also "
    "be the whole body, with its own Content-Type or application/octet-stream."
)
SINGLE_ANSWER = (
    "Hugging Face's text classification task: its InferenceClient works with this route. It takes the first "
    "element of whatever it gets, so it alone gets the answer to a single input as a list of one answer."
)


def openapi(task: Task) -> Json:
    """The whole document, ready for JSON."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": task.name,
            "version": CONTRACT,
            "description": f"Labels: {', '.join(task.labels)}.",
        },
        "security": [{}, {"bearer": []}, {"key": []}],
        "paths": {
            "/predict": {"post": predict(task)},
            "/feedback": {"post": feedback(task)},
            "/livez": {"get": probe("/livez", "Whether the process lives", "text/plain") | {"security": []}},
            "/readyz": {
                "get": probe("/readyz", "Whether it takes requests", "text/plain") | {"security": []}
            },
            "/metrics": {"get": probe("/metrics", "Metrics in Prometheus's text form", "text/plain")},
            "/docs.json": {"get": probe("/docs.json", "This document", "application/json")},
        },
        "components": {
            "schemas": {**request_schemas(task), **answer_schemas(task)},
            "headers": {name: header(name) for name in HEADERS},
            "responses": {str(status): error(status) for status in ERRORS},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def predict(task: Task) -> Json:
    """POST /predict."""
    single = PIXEL if task.reads_pictures else EXAMPLE["text"]
    given = single if len(task.input_column_names) == 1 else EXAMPLE
    is_number = task.problem_type == "regression"
    scores: list[Json] = [{"label": label, "score": 1 / len(task.labels)} for label in task.labels]
    scores = [{"label": task.labels[0], "score": 3.2, "interval": [2.1, 4.3]}] if is_number else scores
    examples = {
        "one": {"value": {"inputs": given}},
        "list": {"value": {"inputs": [given, given], "parameters": {"top_k": 1, "tags": {"app": "730"}}}},
    }
    summary = "Labels with scores, best first; for a list of inputs one such list for each"
    done = response(summary, "application/json", ref("schemas", "Answer"), *PREDICTED)
    done["content"]["application/json"]["examples"] = {
        "one": {"value": scores},
        "list": {"value": [scores[:1], scores[:1]]},
    }
    description = PICTURES if task.reads_pictures else SINGLE_ANSWER
    operation = {"operationId": "predict", "summary": summary, "description": description}
    whole = exchange("/predict", "Predict", examples, "200", done)
    if task.reads_pictures:
        whole["requestBody"]["content"] |= {"image/*": {}, "application/octet-stream": {}}
    return {**operation, **whole}


def feedback(task: Task) -> Json:
    """POST /feedback."""
    true = {"regression": 4.5, "multi_label_classification": list(task.labels[:2])}
    label = true.get(task.problem_type, task.labels[0])
    one = {"request_id": "order-66", "index": 0, "label": label, "source": "audit"}
    done = response("Noted", "application/json", ref("schemas", "Accepted"))
    operation = {
        "operationId": "feedback",
        "summary": "The true label of an input that was answered",
        "description": "The last one for a request and an index counts.",
    }
    return {**operation, **exchange("/feedback", "Feedback", {"one": {"value": one}}, "202", done)}


def probe(route: str, summary: str, media_type: str) -> Json:
    """A GET route."""
    schema = {"type": "object" if media_type == "application/json" else "string"}
    responses = {"200": response(summary, media_type, schema), **errors(route)}
    return {
        "operationId": route[1:],
        "summary": summary,
        "parameters": [REQUEST_ID_GIVEN],
        "responses": responses,
    }


def exchange(route: str, body: str, examples: Json, status: str, done: Json) -> Json:
    """What a POST route takes and gives."""
    content = {"application/json": {"schema": ref("schemas", body), "examples": examples}}
    return {
        "parameters": [REQUEST_ID_GIVEN],
        "requestBody": {"required": True, "content": content},
        "responses": {status: done, **errors(route)},
    }


def request_schemas(task: Task) -> Json:
    """The bodies, as bentos/schema.py reads them."""
    many = {
        "type": "array",
        "items": ref("schemas", "Input"),
        "minItems": 1,
        "maxItems": task.serving.max_items,
    }
    parameters = record(
        {
            "top_k": {"type": ["integer", "null"], "minimum": 1},
            "function_to_apply": {"enum": [*FUNCTIONS, None], "description": "Instead of calibrated scores."},
            "tags": {**TAGS, "type": ["object", "null"]},
        }
    )
    row = {
        "request_id": {"type": "string", "pattern": f"^{REQUEST_ID.pattern.decode()}$"},
        "index": {"type": "integer", "minimum": 0, "default": 0, "description": "Of the input in its list."},
        "label": true_label(task),
        "source": {"enum": list(SOURCES), "default": "user", "description": "audit: of a random sample."},
    }
    return {
        **INPUTS[task.pipeline_tag](task),
        "Parameters": {**parameters, "type": ["object", "null"]},
        "Predict": record(
            {
                "inputs": {"anyOf": [ref("schemas", "Input"), many]},
                "parameters": ref("schemas", "Parameters"),
            },
            ["inputs"],
        ),
        "Feedback": record(row, ["request_id", "label"]),
    }


def text_schemas(task: Task) -> Json:
    """One input that is a text or a pair of texts."""
    names = list(EXAMPLE)[: len(task.text_column_names)]
    whole = record({name: ref("schemas", "Text") for name in names}, names)
    text = {
        "type": "string",
        "pattern": VISIBLE,
        "description": "With at least one letter, digit, mark or symbol.",
    }
    return {"Text": text, "Input": whole if len(names) == 2 else {"anyOf": [ref("schemas", "Text"), whole]}}


def picture_schemas(task: Task) -> Json:
    """One input that is a picture."""
    description = f"{', '.join(FORMATS)} of at most {MAX_PIXELS:,} pixels, in base64 or as a data URL."
    return {"Input": {"type": "string", "contentEncoding": "base64", "description": description}}


INPUTS = {"text-classification": text_schemas, "image-classification": picture_schemas}


def true_label(task: Task) -> Json:
    """A label, a list of labels, or a number."""
    if task.problem_type == "regression":
        return {"type": "number", "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER}
    label: Json = {"enum": list(task.labels)}
    return {"type": "array", "items": label} if task.problem_type == "multi_label_classification" else label


def answer_schemas(task: Task) -> Json:
    """What comes back."""
    columns: Json = {"label": {"enum": list(task.labels)}, "score": {"type": "number"}}
    if task.problem_type == "regression":
        told = f"Low and high; of new inputs like the held-out ones {COVERAGE:.0%} have the truth inside."
        columns["interval"] = {
            **INTERVAL,
            "description": told,
        }
    score = record(columns, ["label", "score"])
    ranking = {"type": "array", "items": score, "minItems": 1, "maxItems": len(task.labels)}
    several = {"type": "array", "items": ref("schemas", "Ranking"), "minItems": 1}
    return {
        "Ranking": ranking,
        "Answer": {"anyOf": [ref("schemas", "Ranking"), several]},
        "Accepted": record({"status": {"const": "accepted"}}, ["status"]),
        "Error": record({"error": {"type": "string", "minLength": 1}}, ["error"]),
    }


def response(description: str, media_type: str, schema: Json, *headers: str) -> Json:
    """An answer, with its request id and other headers."""
    return {
        "description": description,
        "headers": {name: ref("headers", name) for name in ("X-Request-ID", *headers)},
        "content": {media_type: {"schema": schema}},
    }


def error(status: int) -> Json:
    """The answer of that status, in the one form of all errors."""
    headers = ERROR_HEADERS.get(status, ())
    return response(ERRORS[status], "application/json", ref("schemas", "Error"), *headers)


def errors(route: str) -> Json:
    return {str(status): ref("responses", str(status)) for status in ROUTE_ERRORS[route]}


def header(name: str) -> Json:
    schema = {"type": "integer", "minimum": 1} if name in WHOLE_NUMBERS else {"type": "string"}
    return {**HEADERS[name], "required": name not in OPTIONAL, "schema": schema}


def record(properties: Json, required: list[str] | None = None) -> Json:
    """An object of these properties and no others."""
    needed = {"required": required} if required else {}
    return {"type": "object", "properties": properties, **needed, "additionalProperties": False}


def ref(section: str, name: str) -> Json:
    return {"$ref": f"#/components/{section}/{name}"}
