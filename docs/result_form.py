"""The form of result.json: from the schema that the monitor's own results are checked against."""

from typing import Any

from docs.tables import code, table
from monitoring.schema import RESULT

Json = dict[str, Any]
INTRODUCTION = """# result.json

What the monitor leaves in `reports/<task>/<window>/` for machines. The same rows give the same bytes. As a
JSON Schema: [result.schema.json](../result.schema.json).

"""


def page() -> str:
    """reference/result.md."""
    schema = RESULT.json_schema()
    parts = [INTRODUCTION, section("Result", schema)]
    return "".join(parts + [section(name, one) for name, one in schema["$defs"].items()])


def section(name: str, schema: Json) -> str:
    """One kind of object: its keys."""
    rows = [(code(key), meaning(one), type_of(one)) for key, one in schema["properties"].items()]
    return f"## {name}\n\n{schema.get('description', '')}\n\n{table(('key', 'meaning', 'type'), rows)}\n"


def meaning(schema: Json) -> str:
    """A property's description; that of a `$ref` stands in its own section."""
    return str(schema.get("description", ""))


def type_of(schema: Json) -> str:
    """A schema in a few words, with links to the sections."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(map(type_of, schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return ", ".join(map(code, schema.get("enum", [schema.get("const")])))
    if schema.get("type") == "array":
        return f"list of {type_of(schema['items'])}"
    if "additionalProperties" in schema:
        return f"object of {type_of(schema['additionalProperties'])}"
    return str(schema.get("type", "anything"))
