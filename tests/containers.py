"""A container engine for tests: Docker where its engine runs, else Podman in a storage of its own.

Podman is set up for a machine without a hub and with few rights; its base image is made of Debian's packages.
That base and what pip fetched are kept in the user's cache.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

BASE = "docker.io/library/python:3.11-slim"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "touchstone-tests"
NEEDED = ("podman", "buildah", "runc", "mmdebstrap")
PACKAGES = "--include=ca-certificates,python3,python3-pip"
SOURCES = "/etc/apt/sources.list.d/debian.sources"
AS_IN_THE_HUB = "rm -f /usr/lib/python3*/EXTERNALLY-MANAGED && ln -s python3 /usr/bin/python"


@dataclass(frozen=True)
class Engine:
    """Docker or Podman; `building` is the environment to build in, `running` that of everything else."""

    name: str
    building: dict[str, str]
    running: dict[str, str]

    def __call__(self, *arguments: str, timeout: float = 120, check: bool = True) -> str:
        """What the command prints; fails with what it complains of."""
        command = [self.name, *arguments]
        done = subprocess.run(
            command, env=self.running, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == 0 or not check, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout

    def inspect(self, image: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self("image", "inspect", image))[0]
        return found


def make_engine(folder: Path) -> Engine:
    """An engine with a base image, its storage in `folder`; skips the test where there can be none."""
    environment = dict(os.environ)
    if shutil.which("docker") and works(["docker", "version"]):
        return Engine("docker", environment, environment)
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing or os.geteuid() != 0:
        pytest.skip(
            f"no image can be built here: no Docker, and of Podman's {missing or 'rights'} are missing"
        )
    engine = podman(folder, environment)
    base = CACHE / "base.tar"
    if not base.is_file() and not works(make_base(base)):
        pytest.skip("no image can be built here: Debian's packages cannot be had for its base")
    engine("import", "--quiet", str(base), BASE)
    return engine


def works(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, timeout=300, check=False).returncode == 0


def make_base(path: Path) -> list[str]:
    """The command that makes Debian with Python and pip, which is what python:3.11-slim is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hook = f'--customize-hook=chroot "$1" sh -c "{AS_IN_THE_HUB}"'
    making = f"{path}.new"
    script = 'mmdebstrap -q --format=tar --variant=minbase "$1" "$2" bookworm "$3" "$5" && mv "$3" "$4"'
    return ["bash", "-c", script, "-", PACKAGES, hook, making, str(path), SOURCES]


def podman(folder: Path, environment: dict[str, str]) -> Engine:
    """Podman for those who may not raise limits; while it builds it has this machine's certificates."""
    (CACHE / "pip").mkdir(parents=True, exist_ok=True)
    storage, limits = folder / "storage.conf", '["nofile=20000:20000", "nproc=30000:30000"]'
    storage.write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
    )
    volumes = f'volumes = ["/etc/ssl/certs:/etc/ssl/certs:ro", "{CACHE}/pip:/root/.cache/pip"]\n'
    given = environment | {"CONTAINERS_STORAGE_CONF": str(storage), "BUILDAH_ISOLATION": "chroot"}
    for name, more in (("build", volumes), ("run", "")):
        (folder / f"{name}.conf").write_text(
            f"[containers]\ndefault_ulimits = {limits}\n{more}"
            '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\n'
        )
    building, running = (
        {**given, "CONTAINERS_CONF": str(folder / f"{name}.conf")} for name in ("build", "run")
    )
    return Engine("podman", building, running)
