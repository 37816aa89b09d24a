"""`make release`: what it wants to see, what it says, and that it tags only when told to."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.serving import ROOT

NOTES = "## [Unreleased]\n\n## [1.2.3] - 2026-11-25\n"


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "tag.gpgSign=false"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=30).stdout


def release(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", "release", *arguments],
        cwd=folder,
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "GIT_COMMITTER_NAME": "Ann",
            "GIT_COMMITTER_EMAIL": "a@example.org",
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that is ready for its release 1.2.3."""
    (tmp_path / ".ci").mkdir()
    for name in ("Makefile", ".ci/release"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "touchstone"\nversion = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text(NOTES)
    (tmp_path / ".gitignore").write_text(".venv/\n")
    git(tmp_path, "init", "--initial-branch", "main")
    git(tmp_path, "add", ".")
    commit(tmp_path)
    return tmp_path


def commit(project: Path) -> None:
    """Commit, and pass the checks."""
    git(project, "commit", "--allow-empty", "--message", "A change")
    (project / ".venv").mkdir(exist_ok=True)
    (project / ".venv/tested").write_text(git(project, "rev-parse", "HEAD"))


def test_when_all_is_well_it_says_what_comes_next(project: Path) -> None:
    done = release(project)
    assert done.returncode == 0
    assert "  make release VERSION=1.2.3" in done.stdout.splitlines()
    assert git(project, "tag") == ""


def test_with_a_version_it_tags_and_says_what_comes_next(project: Path) -> None:
    done = release(project, "VERSION=1.2.3")
    assert done.returncode == 0
    assert "  git push origin main v1.2.3" in done.stdout.splitlines()
    assert git(project, "rev-list", "-n", "1", "v1.2.3") == git(project, "rev-parse", "HEAD")


def test_another_version_is_refused(project: Path) -> None:
    done = release(project, "VERSION=2.0.0")
    assert done.returncode != 0
    assert "VERSION=2.0.0 was given, pyproject.toml says 1.2.3." in done.stdout
    assert git(project, "tag") == ""


def leave_something(project: Path) -> None:
    (project / "new.py").touch()


def leave_main(project: Path) -> None:
    git(project, "switch", "--create", "other")


def tag_it(project: Path) -> None:
    git(project, "tag", "v1.2.3")


def forget_the_notes(project: Path) -> None:
    (project / "CHANGELOG.md").write_text("## [Unreleased]\n")
    git(project, "add", ".")
    commit(project)


def skip_the_checks(project: Path) -> None:
    git(project, "commit", "--allow-empty", "--message", "Another")


@pytest.mark.parametrize(
    ("spoil", "missing"),
    [
        (leave_something, "nothing is uncommitted"),
        (leave_main, "this is the branch main"),
        (tag_it, "there is no tag v1.2.3 yet"),
        (forget_the_notes, "CHANGELOG.md has a section [1.2.3]"),
        (skip_the_checks, "the checks have passed for this commit"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_tagged(project: Path, spoil, missing: str) -> None:  # type: ignore[no-untyped-def]
    spoil(project)
    tags = git(project, "tag")
    done = release(project, "VERSION=1.2.3")
    assert done.returncode != 0
    assert [line for line in done.stdout.splitlines() if line.startswith("  NO")] == [f"  NO   {missing}"]
    assert git(project, "tag") == tags
