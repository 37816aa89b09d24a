"""The HTTP API: from the OpenAPI document that the service itself hands out."""

import json
from typing import Any

from bentos.openapi import openapi
from bentos.task import load_task
from docs.tables import code, fence, table

Json = dict[str, Any]
INTRODUCTION = """# HTTP API

From the OpenAPI document that a service hands out at `/docs.json`, here that of `sample-reviews`: of another
task the labels differ. The whole document: [openapi.json](openapi.json).

"""


def document() -> Json:
    """The OpenAPI document of the sample task."""
    return openapi(load_task("sample-reviews"))


def page() -> str:
    """reference/http-api.md."""
    whole = document()
    routes = [
        route(whole, path, method, operation)
        for path, methods in whole["paths"].items()
        for method, operation in methods.items()
    ]
    return "".join([INTRODUCTION, *routes, headers(whole), schemas(whole)])


def route(whole: Json, path: str, method: str, operation: Json) -> str:
    """One operation: what it is for, examples, every status."""
    parts = [f"## {method.upper()} {path}\n\n{operation['summary']}.\n\n"]
    if "description" in operation:
        parts.append(f"{operation['description']}\n\n")
    for media_type, given in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"Body, {code(media_type)}: {linked(given['schema'])}\n\n")
        examples = given.get("examples", {}).values()
        parts += [fence(json.dumps(one["value"], indent=2), "json") + "\n" for one in examples]
    answers = {status: resolved(whole, answer) for status, answer in operation["responses"].items()}
    return "".join([*parts, "\n", table(("status", "", "headers"), map(answered, answers.items())), "\n"])


def answered(answer: tuple[str, Json]) -> tuple[str, str, str]:
    """A status, what it means and the headers of its own."""
    status, what = answer
    own = [code(name) for name in what["headers"] if name != "X-Request-ID"]
    return status, what["description"], ", ".join(own)


def headers(whole: Json) -> str:
    """The headers of answers."""
    known = whole["components"]["headers"].items()
    return "## Headers of answers\n\n" + table(
        ("header", ""), [(code(name), one["description"]) for name, one in known]
    )


def schemas(whole: Json) -> str:
    """The schemas that bodies must have."""
    parts = ["\n## Schemas\n\n"]
    for name, schema in whole["components"]["schemas"].items():
        parts += [f"### {name}\n\n", fence(json.dumps(schema, indent=2, ensure_ascii=False), "json"), "\n"]
    return "".join(parts)


def resolved(whole: Json, value: Json) -> Json:
    """What a `$ref` points to, or the value itself."""
    for key in value.get("$ref", "#")[2:].split("/"):
        whole = whole[key] if key else whole
    return whole if "$ref" in value else value


def linked(schema: Json) -> str:
    """A schema by its name, where it has one."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return f"[{name}](#{name.lower()})" if name else code(json.dumps(schema))
