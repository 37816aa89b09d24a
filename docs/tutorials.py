"""A tutorial for each system, from one template and what its YAML file says of itself."""

import re
from itertools import takewhile
from pathlib import Path

from bentos.task import TASKS_FOLDER, Task, load_task
from docs.tables import fence

HERE = Path(__file__).parent
SAMPLE = "sample-reviews"  # needs nothing from outside
TEXT = "Great art, shame about the netcode."
PAIR = '{"text": "Liked: Dune.", "text_pair": "Solaris"}'


def pages() -> dict[str, str]:
    """tutorials/*.md."""
    return {path: page(Path(path).stem) for path in paths()}


def paths() -> list[str]:
    """Of all tutorials, the one that needs nothing first."""
    names = sorted(
        (path.stem for path in TASKS_FOLDER.glob("*.yaml")), key=lambda name: (name != SAMPLE, name)
    )
    return [f"tutorials/{name}.md" for name in names]


def page(name: str) -> str:
    """The template, filled for one system."""
    task, source = load_task(name), (TASKS_FOLDER / f"{name}.yaml").read_text("utf-8")
    more = HERE / f"tutorials/{name}.more"
    parts = {
        "name": name,
        "introduction": introduction(source),
        "yaml": fence(source, "yaml"),
        "needs data": "" if name == SAMPLE else ' title="Needs the data and the base model"',
        "needs model": "" if name == SAMPLE else ' title="Needs the model"',
        "settings": "" if task.dataset_name else ' SET="train_file=your.parquet"',
        "request": request(task),
        "more": more.read_text("utf-8") if more.exists() else "",
    }
    text = (HERE / "tutorials/template").read_text("utf-8")
    for key, value in parts.items():
        text = text.replace(f"<<{key}>>", value)
    return text


def introduction(source: str) -> str:
    """The first sentence of the comment that a file begins with."""
    lines = takewhile(lambda line: line.startswith("#"), source.splitlines())
    first = re.match(r".+?[.?](?=\s|$)", " ".join(line.lstrip("# ") for line in lines))
    return first[0] if first else ""


def request(task: Task) -> str:
    """A request to its service."""
    if task.pipeline_tag == "image-classification":
        return "curl -s localhost:3000/predict -H 'Content-Type: image/jpeg' \\\n  --data-binary @picture.jpg"
    inputs = f'"{TEXT}"' if len(task.text_column_names) == 1 else PAIR
    return (
        "curl -s localhost:3000/predict -H 'Content-Type: application/json' \\\n"
        f"  -d '{{\"inputs\": {inputs}}}'"
    )
