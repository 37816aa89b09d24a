"""The keys of a task and the arguments of the service: from their classes, meanings from the comments."""

import ast
import inspect
import io
import re
import textwrap
import tokenize
from dataclasses import MISSING, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from bentos.serve_args import ServeArgs
from bentos.task import Monitoring, Serving, Task
from docs.tables import code, table

INTRODUCTION = """---
hide: [toc]
---

# Task keys

A task is one YAML file, and these are all of its keys. Each is spelled as the library that consumes it spells
it; an unknown key is an error that lists the known ones. `--set KEY=VALUE` overrides one for a run,
`--set section.key=VALUE` one of a section.

"""
NAMES = {
    "None": "null",
    "Days": "float > 0",
    "PositiveInt": "int > 0",
    "PositiveFloat": "float > 0",
    "NonNegativeInt": "int >= 0",
    "NonNegativeFloat": "float >= 0",
}
HEADER = ("key", "meaning", "type", "default")


def page() -> str:
    """reference/task-keys.md."""
    parts = [INTRODUCTION, table(HEADER, rows(Task))]
    for name, section in (("serving", Serving), ("monitoring", Monitoring)):
        parts += [f"\n## {name}\n\n{section.__doc__}\n\n", table(HEADER, rows(section))]
    return "".join(parts)


def arguments() -> str:
    """The table of `bentoml serve service:svc --arg key=value`."""
    told = meanings(Serving) | meanings(ServeArgs)
    defaults = {name: one.default for name, one in ServeArgs.model_fields.items()}
    return table(
        HEADER,
        [
            (code(name), told[name], plain(kind), code(shown(defaults[name])))
            for name, kind in annotations(ServeArgs).items()
            if name in defaults
        ],
    )


def rows(cls: type[Any]) -> list[tuple[str, str, str, str]]:
    """One for each field of a dataclass."""
    told, kinds, hints = meanings(cls), annotations(cls), get_type_hints(cls)
    return [
        (code(f.name), told[f.name], type_name(hints[f.name], kinds[f.name]), default(f)) for f in fields(cls)
    ]


def meanings(cls: type[Any]) -> dict[str, str]:
    """What the comment behind each field says."""
    source = textwrap.dedent(inspect.getsource(cls))
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = {
        name: [comments[line] for line in lines_of(node) if line in comments]
        for name, node in assignments(source).items()
    }
    return {name: " ".join(parts) for name, parts in found.items() if parts}


def lines_of(node: ast.AnnAssign) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def annotations(cls: type[Any]) -> dict[str, str]:
    """Each field's type as it is written."""
    nodes = assignments(textwrap.dedent(inspect.getsource(cls)))
    return {name: ast.unparse(node.annotation) for name, node in nodes.items()}


def assignments(source: str) -> dict[str, ast.AnnAssign]:
    """The annotated fields of a class, by name."""
    (cls,) = ast.parse(source).body
    assert isinstance(cls, ast.ClassDef)
    return {
        node.target.id: node
        for node in cls.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def type_name(hint: Any, written: str) -> str:
    """A type as it is written; of a choice its values, of a section its name."""
    if get_origin(hint) is Literal:
        return ", ".join(code(value) for value in get_args(hint))
    if hint in (Serving, Monitoring):
        return f"[section](#{written.lower()})"
    return plain(written)


def plain(written: str) -> str:
    """A type without what only bounds it; what may be absent is null."""
    names = re.sub(r"Annotated\[(\w+), .*\]", r"\1", written).split(" | ")
    return ", ".join(code(NAMES.get(name, name)) for name in names)


def default(field: Any) -> str:
    """A field's default as YAML would have it."""
    if field.default is MISSING and field.default_factory is MISSING:
        return "required"
    value = field.default if field.default is not MISSING else field.default_factory()
    return "" if isinstance(value, Serving | Monitoring) else code(shown(value))


def shown(value: object) -> str:
    """A value as YAML would have it."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case tuple():
            return f"[{', '.join(map(str, value))}]"
        case str():
            return value or '""'
    return str(value)
