"""The Python API: every public class and function, its signature and docstring, read without importing."""

import ast
from pathlib import Path

from docs.tables import fence

ROOT = Path(__file__).parents[1]
INTRODUCTIONS = {
    "bentos": "What travels in a Bento. The other packages build on it, and it imports none of them.",
    "train": "From labelled rows to store entries.",
    "monitoring": "From the request log to a verdict.",
    "service": "What `bentoml serve service:svc` runs.",
}
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def pages() -> dict[str, str]:
    """reference/python/*.md: a page for each package."""
    return {f"reference/python/{name}.md": page(name, told) for name, told in INTRODUCTIONS.items()}


def page(package: str, introduction: str) -> str:
    """One package: its modules in the order of their names."""
    paths = sorted((ROOT / package).glob("*.py")) or [ROOT / f"{package}.py"]
    title = f"# {package}\n\n{introduction}\n\n"
    return title + "".join(module(path) for path in paths if path.stem != "__init__")


def module(path: Path) -> str:
    """A module: what it is, then what is public in it."""
    tree = ast.parse(path.read_text("utf-8"))
    parts = [f"## {path.stem.strip('_')}\n\n`{path.relative_to(ROOT)}`\n\n{told(tree)}"]
    return "".join(parts + [definition(node) for node in tree.body if is_public(node)])


def definition(node: ast.stmt) -> str:
    """A class with its public methods, or a function."""
    assert isinstance(node, Definition)
    parts = [f"### {node.name}\n\n", fence(signature(node), "python"), "\n", told(node)]
    if isinstance(node, ast.ClassDef):
        for method in node.body:
            if is_public(method) and isinstance(method, Definition) and ast.get_docstring(method):
                parts += [fence(signature(method), "python"), "\n", told(method)]
    return "".join(parts)


def is_public(node: ast.stmt) -> bool:
    return isinstance(node, Definition) and not node.name.startswith("_")


def signature(node: Definition) -> str:
    """The line that a definition begins with, broken where it is long."""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(map(ast.unparse, node.bases))
        return f"class {node.name}({bases})" if bases else f"class {node.name}"
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    line = f"{word} {node.name}({ast.unparse(node.args)}){returns}"
    return line if len(line) <= 78 else broken(node, word, returns)


def broken(node: ast.FunctionDef | ast.AsyncFunctionDef, word: str, returns: str) -> str:
    """One argument a line."""
    arguments = ast.unparse(node.args)
    depth, lines = 0, [""]
    for character in arguments:
        depth += (character in "[(") - (character in "])")
        if character == "," and not depth:
            lines.append("")
        else:
            lines[-1] += character
    return f"{word} {node.name}(\n" + "".join(f"    {one.strip()},\n" for one in lines) + f"){returns}"


def told(node: ast.Module | Definition) -> str:
    """A docstring, which is Markdown."""
    text = ast.get_docstring(node)
    return f"{text}\n\n" if text else ""
