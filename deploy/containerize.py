"""The image of a Bento, by whichever of docker, podman and buildah works: python -m deploy.containerize

BentoML builds it by the Dockerfile in the Bento, which is deploy/service/Dockerfile. The same lock gives the
same layer of packages, whatever the model, so registries and nodes keep it once: no layer tells a time.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import bentoml
from bentoml.exceptions import BentoMLException

ROOT = Path(__file__).parents[1]
# What each answers only where it can build: Docker's client alone answers other questions.
ENGINES = {
    "docker": ("version", "--format", "{{.Server.Version}}"),
    "podman": ("info",),
    "buildah": ("info",),
}
NO_TIME = "0"
RUN = """Run it (a read-only root, nothing kept but the request log):
  {engine} run --rm -p 127.0.0.1:3000:3000 --read-only --tmpfs /tmp \\
    -v touchstone-logs:/var/log/touchstone {image}
  curl -s localhost:3000/predict -H 'Content-Type: application/json' -d '{{"inputs": "..."}}'
End it by `{engine} stop --time 60`: it drains first."""


def main() -> None:
    """Build, and say what was built and how to run it."""
    parser = argparse.ArgumentParser(prog="python -m deploy.containerize", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("bento", help="NAME:VERSION, or NAME:latest")
    parser.add_argument("image", help="what to call the image")
    given = parser.parse_args()
    bento, engine = find_bento(given.bento), find_engine()
    print(f"Building {given.image} from {bento.tag} with {engine}: a minute or two.")
    build(bento, engine, given.image)
    command = [engine, "images", "--format", "{{.Size}}", given.image]
    size = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split("\n")[
        0
    ]
    print(f"Built {given.image}, {size}.")
    print(RUN.format(engine=engine if engine == "docker" else "podman", image=given.image))


def find_bento(tag: str) -> Any:
    """The Bento of that tag; ends the program when there is none."""
    try:
        return bentoml.get(tag)
    except BentoMLException:
        sys.exit(f"No Bento '{tag}'. Build one: make build TASK={tag.partition(':')[0]}")


def find_engine() -> str:
    """The first that can build; ends the program when none can."""
    for name, question in ENGINES.items():
        if shutil.which(name) and answers([name, *question]):
            return name
    sys.exit(
        "No image can be built here: neither docker (with its engine running), podman nor buildah works. "
        "Install one, for instance podman, and see that `podman info` succeeds."
    )


def answers(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def build(bento: Any, engine: Any, image: str) -> None:
    """Build the image; ends the program when that fails, what the builder said having been printed.

    `engine` is a name, of one of BentoML's literal types each.
    """
    os.environ["BUILDAH_FORMAT"] = "docker"  # the other format has no HEALTHCHECK
    os.environ["SOURCE_DATE_EPOCH"] = NO_TIME  # docker's name for it
    options: dict[str, Any] = {"backend": engine, "image_tag": (image,), "label": labels(bento)}
    options |= {"timestamp": NO_TIME} if engine != "docker" else {}
    with contextlib.chdir(
        tempfile.gettempdir()
    ):  # BentoML issue 5566: it reads the Dockerfile below here only
        built = bentoml.container.build(str(bento.tag), **options)
    if built is None:
        sys.exit(f"{engine} did not build {image}; the reason stands above.")


def labels(bento: Any) -> dict[str, str]:
    """What is in the image, in the words of the OCI where it has some."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    known = {
        "org.opencontainers.image.title": bento.tag.name,
        "org.opencontainers.image.description": project["description"],
        "org.opencontainers.image.version": project["version"],
        "org.opencontainers.image.revision": git_commit(),
        "org.opencontainers.image.created": bento.info.creation_time.isoformat(timespec="seconds"),
        "org.opencontainers.image.licenses": project["license"],
        "touchstone.bento": str(bento.tag),
        "touchstone.models": ",".join(sorted(str(model.tag) for model in bento.info.all_models)),
        "touchstone.bentoml": bento.info.bentoml_version,
    }
    return {name: value for name, value in known.items() if value}


def git_commit() -> str:
    """The commit that is checked out, with -dirty after it when files differ; empty outside of git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


if __name__ == "__main__":
    main()
