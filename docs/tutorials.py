"""A tutorial for each system, from one template and what its YAML file says of itself."""

from pathlib import Path

from bentos.task import TASKS_FOLDER, Task, load_task
from docs.tables import fence

HERE = Path(__file__).parent
SAMPLE = "sample-reviews"  # needs nothing from outside
TEXT = "Great art, shame about the netcode."
PAIR = '{"text": "Liked: Dune, Hyperion.", "text_pair": "The Left Hand of Darkness"}'


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
        "introduction": comment(source),
        "yaml": fence(source[len(source) - len(body(source)) :], "yaml"),
        "needs": "" if name == SAMPLE else ' title="Needs the data and the base model"',
        "settings": "" if task.dataset_name else f' SET="{data_setting(task)}"',
        "request": request(task),
        "more": more.read_text("utf-8") if more.exists() else "",
    }
    text = (HERE / "tutorials/template").read_text("utf-8")
    for key, value in parts.items():
        text = text.replace(f"<<{key}>>", value)
    return text


def comment(source: str) -> str:
    """The lines that a file begins with, without their marks; what is indented in them stays a block."""
    lines = [line[2:] for line in source.splitlines() if line.startswith("# ")]
    return "\n".join(f"\n    {line.strip()}\n" if line.startswith("  ") else line for line in lines)


def body(source: str) -> str:
    """What follows the comment that a file begins with."""
    lines = source.splitlines(keepends=True)
    first = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    return "".join(lines[first:])


def data_setting(task: Task) -> str:
    """Where the data lie, for a task that names none."""
    if task.pipeline_tag == "image-classification":
        return "train_dir=pictures"
    return f"train_file={task.name}.parquet"


def request(task: Task) -> str:
    """A request to its service."""
    if task.pipeline_tag == "image-classification":
        return "curl -s localhost:3000/predict -H 'Content-Type: image/jpeg' --data-binary @picture.jpg"
    inputs = f'"{TEXT}"' if len(task.text_column_names) == 1 else PAIR
    return (
        "curl -s localhost:3000/predict -H 'Content-Type: application/json' \\\n"
        f"  -d '{{\"inputs\": {inputs}}}'"
    )
