"""The workflows of GitHub Actions: their form, what they may do, and that what they call exists."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.serving import ROOT

FILES = sorted((ROOT / ".github/workflows").glob("*.yaml"))
WRITES = {
    "ci.yaml": {},
    "train.yaml": {},
    "docs.yaml": {"publish": {"pages", "id-token"}},
    "release.yaml": {"image": {"id-token"}, "publish": {"contents"}},
}
Object = dict[str, Any]


def workflow(path: Path) -> Object:
    read: Object = yaml.safe_load(path.read_text("utf-8"))
    return {
        "on" if key is True else key: value for key, value in read.items()
    }  # YAML 1.1 takes `on` for true


def jobs(path: Path) -> dict[str, Object]:
    found: dict[str, Object] = workflow(path)["jobs"]
    return found


def steps() -> list[Object]:
    return [step for path in FILES for job in jobs(path).values() for step in job.get("steps", [])]


def commands() -> str:
    return "\n".join(step["run"] for step in steps() if "run" in step)


@pytest.mark.parametrize("schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"])
def test_they_are_of_githubs_form(schema: str) -> None:
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, FILES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_action_is_pinned_to_a_commit() -> None:
    used = {step["uses"] for step in steps() if "uses" in step}
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name)] == []
    versions = dict(
        line for path in FILES for line in re.findall(r"(\S+@[0-9a-f]{40}) # (v\S+)", path.read_text())
    )
    assert set(versions) == used, "each pin says its version"
    names = [name.partition("@")[0] for name in used]
    assert len(names) == len(set(names)), "one version of an action everywhere"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_they_may_do_no_more_than_they_need(path: Path) -> None:
    assert workflow(path)["permissions"] in ({}, {"contents": "read"})
    asked = {name: job.get("permissions", {}) for name, job in jobs(path).items()}
    writes = {name: {key for key, value in may.items() if value == "write"} for name, may in asked.items()}
    assert {name: keys for name, keys in writes.items() if keys} == WRITES[path.name]
    for step in (step for job in jobs(path).values() for step in job.get("steps", [])):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_they_end_and_do_not_run_beside_each_other(path: Path) -> None:
    assert workflow(path)["concurrency"]["group"]
    for job in jobs(path).values():
        assert "uses" in job or 0 < job["timeout-minutes"] <= 360


def test_nothing_from_outside_is_pasted_into_a_command() -> None:
    assert "${{" not in commands()


def test_every_command_of_ours_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE)) | {".venv/ready"}
    assert set(re.findall(r"\bmake (\S+)", commands())) <= targets
    for module in set(re.findall(r"python -m (\S+)", commands())):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
    scripts = set(re.findall(r"(?<![\w/])\.ci/\w+", commands()))
    assert scripts
    assert all((ROOT / script).stat().st_mode & 0o100 for script in scripts)


def test_options_given_to_our_commands_exist() -> None:
    (line,) = re.findall(r"python -m train\.retrain (.+)", commands())
    options = re.findall(r"--[a-z-]+", line)
    source = (ROOT / "train/retrain.py").read_text()
    assert options
    assert [option for option in options if f'"{option}"' not in source] == []


@pytest.mark.parametrize("registry", ["", "registry.example.org/team"])
def test_a_release_without_a_registry_is_refused_in_a_sentence(registry: str) -> None:
    done = refusal(registry)
    assert done.returncode == 1
    assert "No registry. Set the repository's variable REGISTRY" in done.stdout


def test_a_release_with_a_registry_goes_on() -> None:
    assert refusal("ghcr.io/ann").returncode == 0


def refusal(registry: str) -> subprocess.CompletedProcess[str]:
    """What the release's first step says; GitHub runs it by this command."""
    (step,) = jobs(ROOT / ".github/workflows/release.yaml")["settings"]["steps"]
    environment = {"PATH": "/usr/bin:/bin", "REGISTRY": registry}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)


def test_no_registry_is_written_down() -> None:
    text = "".join(path.read_text() for path in FILES)
    hosts = set(re.findall(r"\b(?:ghcr\.io|docker\.io|quay\.io|gcr\.io)\b(?!/OWNER)", text))
    assert hosts == set()
