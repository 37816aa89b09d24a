"""The documentation: it builds without a warning and offline, and what it names exists and can be called."""

import importlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from bentos.serve_args import ServeArgs
from bentos.task import Task, make_task
from monitoring.judge import EXIT_CODES
from tests.exported_metrics import of_monitor, of_service
from tests.serving import ROOT, Server
from tests.test_imports import files, imported

pytest.importorskip("mkdocs", reason="the extra docs is not installed")

from docs import architecture, tutorials
from docs.generate import pages
from docs.metrics import of_monitor as shown_of_monitor
from docs.metrics import of_service as shown_of_service

FENCE = re.compile(r"^( *)```(\w+)(?: title=\"([^\"]*)\")?\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
ELSEWHERE = ("Needs", "Once")  # titles of blocks that no test can run: they say what they need
CLUSTER = "cluster.md"  # its commands have tests of their own, tests/test_deploy_*.py
PLAIN = {"cd", "curl", "do", "echo", "export", "head", "openssl", "sleep", "source", "until", "done"}


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    kind: str
    title: str
    text: str


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Every page's Markdown by its path in the site, generated ones too."""
    written = {str(p.relative_to(ROOT / "docs")): p.read_text("utf-8") for p in ROOT.glob("docs/**/*.md")}
    return written | pages()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "--quiet", "build", "--strict", "-d", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder


def blocks(texts: dict[str, str]) -> list[Block]:
    return [Block(page, *one.groups()[1:]) for page, text in texts.items() for one in FENCE.finditer(text)]


def commands(texts: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """(page, words) of each command that a reader can give as it stands; those joined by || too."""
    for block in blocks(texts):
        if block.kind != "bash" or block.page == CLUSTER or (block.title or "").startswith(ELSEWHERE):
            continue
        for line in block.text.replace("\\\n", " ").splitlines():
            for part in re.split(r"\|\||&&|;", line.split("    #")[0]):
                if words := shlex.split(part):
                    yield block.page, words


def test_it_builds_without_a_warning(site: Path) -> None:
    assert (site / "index.html").is_file()
    assert not list(site.rglob("*.py"))


def test_a_reader_fetches_nothing_from_elsewhere(site: Path) -> None:
    fetched = re.compile(
        r"<(?:script|img|iframe|source)[^>]*\bsrc=\"?https?:|<link[^>]*href=\"?https?:|@import"
    )
    assert [page.name for page in site.rglob("*.html") if fetched.search(page.read_text("utf-8"))] == []


def test_every_command_can_be_given(texts: dict[str, str]) -> None:
    given = list(commands(texts))
    assert {page for page, _ in given} >= {"index.md", "your-own-task.md", "tutorials/sample-reviews.md"}
    for page, words in given:
        check(page, words)


def check(page: str, words: list[str]) -> None:
    """That the command exists, and reads these arguments."""
    match words:
        case ["make", target, *settings]:
            assert target == ".venv/ready" or f"\n{target}:" in (ROOT / "Makefile").read_text(), (page, words)
            assert {one.partition("=")[0] for one in settings} <= {
                "TASK",
                "VARIANT",
                "SET",
                "ARGS",
                "PORT",
            }, words
        case ["bentoml", "serve", "service:svc", *options]:
            given = [after for before, after in pairwise(options) if before == "--arg"]
            ServeArgs(**dict(one.split("=", 1) for one in given))  # type: ignore[arg-type]
        case ["bentoml", "serve" | "build" | "containerize", _]:
            pass
        case ["python", "-m", module, *arguments]:
            parse(module, arguments)
        case ["python", script, *_]:
            assert script in {"tickets.py", "send.py"}, (page, words)
        case [word, *_]:
            assert word in PLAIN or "=" in word, (page, words)


def parse(module: str, arguments: list[str]) -> None:
    """Have a command's own parser read the arguments; the command itself is not run."""
    if arguments[0] in ("audit", "erase", "acknowledge"):
        module, arguments = f"{module}.{arguments[0]}", arguments[1:]
    path = ROOT / f"{module.replace('.', '/')}.py"
    source = importlib.import_module(module if path.is_file() else f"{module}.__main__")
    if hasattr(source, "parse") and module != "train.sample_corpus":
        source.parse(arguments)
        return
    options = {word for word in arguments if word.startswith("--")}
    assert [one for one in options if f'"{one}"' not in Path(str(source.__file__)).read_text()] == []


def test_a_request_shown_is_answered(server: Server, texts: dict[str, str]) -> None:
    asked = [words for page, words in commands(texts) if words[0] == "curl" and "your-own" not in page]
    assert asked
    for words in {tuple(words) for words in asked if "@" not in words[-1] and "text_pair" not in words[-1]}:
        command = [word.replace("localhost:3000", server.url) for word in words]
        done = subprocess.run([*command, "-f"], capture_output=True, text=True, timeout=60, check=True)
        assert '"score"' in done.stdout


def test_what_nobody_can_run_here_says_what_it_needs(texts: dict[str, str]) -> None:
    titles = {one.title for one in blocks(texts) if one.kind == "bash" and one.title}
    assert titles
    assert [one for one in titles if not one.startswith((*ELSEWHERE, "In a second terminal"))] == []


def test_every_file_named_exists(texts: dict[str, str]) -> None:
    folders = "bentos|train|monitoring|bench|deploy|docs|tests|\\.ci|\\.github"
    path = re.compile(rf"`((?:{folders})/[\w./-]*|[\w-]+\.(?:toml|lock|yml))`")
    named = {(page, name) for page, text in texts.items() for name in path.findall(text)}
    assert named
    assert [(page, name) for page, name in named if not (ROOT / name).exists()] == []


def test_every_command_in_the_text_exists(texts: dict[str, str]) -> None:
    written = {name: text for name, text in texts.items() if not name.startswith("reference/")}
    named = {name for text in written.values() for name in re.findall(r"`python -m ([\w.]+)", text)}
    assert "train" in named
    paths = {name: ROOT / name.replace(".", "/") for name in named}
    assert [
        n for n, p in paths.items() if not (p.with_suffix(".py").is_file() or (p / "__main__.py").is_file())
    ] == []
    targets = {name for text in written.values() for name in re.findall(r"`make ([a-z]+)", text)}
    assert targets <= set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_tasks_shown_are_valid(texts: dict[str, str]) -> None:
    shown = [
        yaml.safe_load(one.text) for one in blocks(texts) if one.kind == "yaml" and "\nlabels:" in one.text
    ]
    assert len(shown) > 1
    for values in shown:
        assert isinstance(make_task(values, "docs"), Task)


def test_the_reference_has_every_command(texts: dict[str, str]) -> None:
    page = texts["reference/commands.md"]
    sources = [*ROOT.glob("train/*.py"), *ROOT.glob("monitoring/*.py")]
    options = {
        m for p in sources for m in re.findall(r"add_argument\(\s*\"(--[a-z-]+)\"", p.read_text("utf-8"))
    }
    assert len(options) > 20
    assert [one for one in options if one not in page] == []
    assert [name for name in ServeArgs.model_fields if f"| `{name}` |" not in page] == []
    assert [verdict for verdict in EXIT_CODES if f"| {verdict} |" not in page] == []


def test_the_reference_has_every_key(texts: dict[str, str]) -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (.+) \| (.*) \| (.*) \|$", texts["reference/task-keys.md"], re.MULTILINE
    )
    of_sections = [f.name for s in ("serving", "monitoring") for f in fields(getattr(Task, s))]
    assert [name for name, *_ in rows] == [f.name for f in fields(Task)] + of_sections
    assert [row for row in rows if not all(row[:3])] == []


def test_the_reference_has_every_metric() -> None:
    ends = {"counter": "_total", "histogram": "_sum", "gauge": ""}
    shown = {name.strip("`") + ends[kind] for name, _, kind, _ in shown_of_service()}
    assert shown == {name for name in of_service() if not name.endswith(("_bucket", "_count"))}
    assert {name.strip("`") for name, *_ in shown_of_monitor()} >= of_monitor()


def test_the_reference_has_every_public_definition(texts: dict[str, str]) -> None:
    for package in ("bentos", "train", "monitoring"):
        page = texts[f"reference/python/{package}.md"]
        named = {
            m
            for p in files(package)
            for m in re.findall(r"^(?:def|class) ([A-Za-z]\w*)", p.read_text(), re.M)
        }
        assert [name for name in named if f"\n### {name}\n" not in page] == []


def test_the_picture_shows_the_imports_and_no_others() -> None:
    drawn = set(re.findall(r'class="imports" data-from="(\w+)" data-to="(\w+)"', architecture.figure()))
    names = ("train", "service", "monitoring", "bentos")
    found = {(one, other) for one in names for path in files(one) for other in imported(path) & {*names}}
    assert drawn == {(one, other) for one, other in found if one != other}


def test_the_picture_shows_who_writes_and_reads_what() -> None:
    figure = architecture.figure()
    for arrow in ("train store writes", "service log writes", "store service reads", "log monitoring reads"):
        one, other, kind = arrow.split()
        assert f'class="{kind}" data-from="{one}" data-to="{other}"' in figure


def test_every_system_has_its_tutorial(texts: dict[str, str]) -> None:
    names = {path.stem for path in ROOT.glob("bentos/tasks/*.yaml")}
    assert {Path(path).stem for path in tutorials.paths()} == names
    for name in names:
        assert "<<" not in texts[f"tutorials/{name}.md"]
