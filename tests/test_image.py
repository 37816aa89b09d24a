"""The service's image, built and run: what is in it, how manifests run it, what the monitor reads."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.containers import BASE, Engine, make_engine
from tests.emulated import KEY
from tests.manifests import ROOT, Object, base, pods
from tests.serving import free_port
from tests.test_bento import LEFT_BEHIND, run

pytestmark = pytest.mark.timeout(600)  # two images, on whatever machine
SERVICE, MONITOR = (f"registry.example.org/touchstone-{name}:test" for name in ("service", "monitoring"))
SBOM = ROOT / "deploy/service/sbom.cdx.json"
SETTINGS = ("--arg", "version=tiny", "--arg", "drain_seconds=2")
BODY = {"inputs": "The game is great."}
MIB = 2**20
TOOLS = """
import importlib.util, shutil
print([n for n in ("pip", "pip3", "uv", "git", "gcc", "cc", "make") if shutil.which(n)]
    + [n for n in ("pip", "setuptools", "wheel", "ensurepip", "torch") if importlib.util.find_spec(n)])
"""
INSTALLED = (
    "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
)
ASK = """
import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=10)
c.request("POST", "/predict", '{"inputs": "good"}', {"Content-Type": "application/json"})
print(c.getresponse().getheader("x-model-tag"))
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return make_engine(tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="module")
def image(engine: Engine, store: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the tiny entry, by the command that `make containerize` runs."""
    clone = tmp_path_factory.mktemp("image") / "clone"
    shutil.copytree(ROOT, clone, ignore=LEFT_BEHIND)
    run("build", "--version", "image", *SETTINGS, cwd=clone)
    command = [sys.executable, "-m", "deploy.containerize", "sample-reviews:image", SERVICE]
    done = subprocess.run(
        command, cwd=ROOT, env=engine.building, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Built {SERVICE}, " in done.stdout
    return SERVICE


def inside(engine: Engine, image: str, script: str) -> str:
    """What a Python script prints in the image."""
    return engine("run", "--rm", "--network", "none", "--entrypoint", "python", image, "-c", script)


def until(check: Callable[[], Any], engine: Engine, container: str) -> Any:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if value := check():
            return value
        time.sleep(0.1)
    raise AssertionError(f"waited in vain; the container says:\n{engine('logs', container)}")


@contextmanager
def running(engine: Engine, image: str, *options: str, arguments: list[str]) -> Iterator[str]:
    """A container, removed with its volumes of its own in the end."""
    container = engine("run", "--detach", *options, image, *arguments).strip()
    try:
        yield container
    finally:
        engine("rm", "--force", "--volumes", container, check=False)


def test_what_installs_and_compiles_is_not_in_it(engine: Engine, image: str) -> None:
    assert inside(engine, image, TOOLS).strip() == "[]"


def test_it_holds_what_its_sbom_says(engine: Engine, image: str) -> None:
    components = json.loads(SBOM.read_text())["components"]
    installed = json.loads(inside(engine, image, INSTALLED))
    assert {normal(one["name"]): one["version"] for one in components} == {
        normal(name): version for name, version in installed.items()
    }
    packed = f"print(open('/home/bentoml/bento/src/{SBOM.relative_to(ROOT)}').read() == {SBOM.read_text()!r})"
    assert inside(engine, image, packed).strip() == "True"


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_it_is_small(engine: Engine, image: str) -> None:
    assert engine.inspect(image)["Size"] - engine.inspect(BASE)["Size"] < 230 * MIB


def test_it_says_what_it_is(engine: Engine, image: str) -> None:
    config = engine.inspect(image)["Config"]
    assert config["User"] == "1034:1034"
    assert config["Labels"]["touchstone.models"] == "sample-reviews-onnx-int8:tiny"
    assert config["Labels"]["org.opencontainers.image.version"] == "0.1.0"
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", config["Labels"]["org.opencontainers.image.revision"])


def test_it_serves_without_rights_network_or_a_root_to_write_on(engine: Engine, image: str) -> None:
    options = [
        "--network",
        "none",
        "--read-only",
        "--cap-drop",
        "ALL",
        "--memory",
        "512m",
        "--env",
        "PORT=8080",
    ]
    options += ["--security-opt", "no-new-privileges", "--user", "4321:0"]
    options += ["--tmpfs", "/tmp", "--tmpfs", "/var/log/touchstone"]
    with running(engine, image, *options, arguments=[]) as container:
        until(lambda: is_healthy(engine, container), engine, container)
        answer = engine("exec", container, "python", "-c", ASK, "8080")
        assert answer.strip() == "sample-reviews-onnx-int8:tiny"


def is_healthy(engine: Engine, container: str) -> bool:
    """By the image's HEALTHCHECK; Docker asks it on its own, Podman when told."""
    if engine.name == "podman":
        engine("healthcheck", "run", container, check=False)
    state = json.loads(engine("inspect", container))[0]["State"]
    return bool(state["Health"]["Status"] == "healthy")


def as_options(pod: Object, container: Object, volumes: dict[str, str]) -> list[str]:
    """What a container of a manifest means as options of `run`; `volumes` by claim, all else in memory."""
    claims = {one["name"]: one.get("persistentVolumeClaim", {}).get("claimName") for one in pod["volumes"]}
    context, limits = container["securityContext"], container["resources"]["limits"]
    ids = pod["securityContext"]
    options = [
        "--user",
        f"{ids['runAsUser']}:{ids['runAsGroup']}",
        "--memory",
        limits["memory"].rstrip("i").lower(),
    ]
    options += ["--cpus", limits["cpu"]] if "cpu" in limits else []
    options += [f"--cap-drop={one}" for one in context["capabilities"]["drop"]]
    options += ["--read-only"] * context["readOnlyRootFilesystem"]
    options += ["--security-opt=no-new-privileges"] * (not context["allowPrivilegeEscalation"])
    for one in container.get("env", []):
        options += ["--env", f"{one['name']}={one['value']}"] if "value" in one else []
    for mount in container["volumeMounts"]:
        outside = volumes.get(claims[mount["name"]] or mount["name"])
        mode = ":ro" if mount.get("readOnly") else ""
        path = mount["mountPath"]
        options += ["--volume", f"{outside}:{path}{mode}"] if outside else ["--tmpfs", path]
    return options


@pytest.fixture(scope="module")
def volumes(engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """By claim or volume of the manifests what stands for it here."""
    names = {
        claim: f"{claim}-{os.getpid()}" for claim in ("touchstone-logs", "touchstone-reports", "bentoml")
    }
    for name in names.values():  # the cluster's fsGroup
        engine("volume", "create", name)
        owner = ["--user", "0:0", "--volume", f"{name}:/owned", "--entrypoint", "chown"]
        engine("run", "--rm", *owner, image, "1034:1034", "/owned")
    key = tmp_path_factory.mktemp("keys") / "api-keys"
    key.write_text(f"{KEY}\n")
    key.parent.chmod(0o755)
    yield {**names, "api-keys": str(key.parent)}
    engine("volume", "rm", "--force", *names.values(), check=False)


@pytest.fixture(scope="module")
def answered(engine: Engine, image: str, volumes: dict[str, str]) -> list[str]:
    """Request ids that the Deployment's container answered, the last while it drained; it ended with 0."""
    pod = next(pods(base()))
    (container,) = pod["containers"]
    port, ids = free_port(), []
    listen = ["--publish", f"127.0.0.1:{port}:{container['ports'][0]['containerPort']}"]
    options = [*listen, *as_options(pod, container, volumes)]
    with (
        running(engine, image, *options, arguments=container["args"]) as name,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": KEY}, timeout=30) as client,
    ):
        until(lambda: is_ready(client), engine, name)
        ids += [
            client.post("/predict", json=BODY).raise_for_status().headers["x-request-id"] for _ in range(20)
        ]
        engine("kill", "--signal", "TERM", name)
        until(lambda: not is_ready(client), engine, name)
        ids.append(client.post("/predict", json=BODY).raise_for_status().headers["x-request-id"])
        assert engine("wait", name, timeout=pod["terminationGracePeriodSeconds"]).strip() == "0"
    return ids


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").is_success
    except httpx.TransportError:
        return False


def test_as_the_deployment_runs_it_it_answers_drains_and_logs(
    engine: Engine, image: str, answered: list[str], volumes: dict[str, str]
) -> None:
    read = (
        "cd /log/sample-reviews && { zcat -f requests-*.gz 2>/dev/null; cat requests-*.jsonl 2>/dev/null; }"
    )
    options = ["--rm", "--volume", f"{volumes['touchstone-logs']}:/log:ro", "--entrypoint", "bash"]
    rows = engine("run", *options, image, "-c", read, check=False).splitlines()
    assert {json.loads(row)["request_id"] for row in rows} == set(answered)


def test_the_monitors_image_judges_that_log(
    engine: Engine, image: str, answered: list[str], volumes: dict[str, str]
) -> None:
    recipe = ["build", "--file", str(ROOT / "deploy/monitoring/Dockerfile"), "--tag", MONITOR, str(ROOT)]
    replace(engine, running=engine.building)(*recipe, timeout=280)
    pod = list(pods(base()))[1]
    (copying,), (watching,) = pod["initContainers"], pod["containers"]
    at = watching["args"].index("--window")  # the hour that the rows are of has not closed
    until_now = [*watching["args"][:at], *watching["args"][at + 2 :]]
    for container, name, arguments in ((copying, image, []), (watching, MONITOR, until_now)):
        first, *command = container["command"]
        options = ["--entrypoint", first, *as_options(pod, container, volumes)]
        engine("run", "--rm", *options, name, *command, *arguments, timeout=200)
    options = ["--rm", "--volume", f"{volumes['touchstone-reports']}:/reports:ro", "--entrypoint", "bash"]
    result = json.loads(engine("run", *options, image, "-c", "cat /reports/sample-reviews/*/result.json"))
    assert result["model_tag"] == "sample-reviews-onnx-int8:tiny"
    assert result["rows"]["judged"] == len(answered)
