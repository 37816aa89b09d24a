"""What the manifests start, started: the image's entry point with their arguments, variables and probes."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.emulated import KEY, environment, folders, placed
from tests.manifests import ROOT, Object, base, pods, predictor_pod, read, revision_pod
from tests.serving import Server, free_port, stop, until
from tests.test_bento import LEFT_BEHIND, exported, run

BODY = {"inputs": "The game is great."}


@pytest.fixture(scope="module")
def bento(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image holds: an exported Bento of the tiny entry, with its model and its entry point."""
    folder = tmp_path_factory.mktemp("bento")
    shutil.copytree(ROOT, folder / "clone", ignore=LEFT_BEHIND)
    run("build", "--version", "cluster", "--arg", "version=tiny", cwd=folder / "clone")
    return exported("sample-reviews:cluster", folder)


def on_path() -> dict[str, str]:
    """The image's environment, as far as it matters here; what is started listens on this machine only."""
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {"PATH": programs, "BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOST": "127.0.0.1"}


@contextmanager
def started(pod: Object, bento: Path, root: Path, platform: bool = False) -> Iterator[Server]:
    """The pod's first container, ready; a `platform` gives the port by PORT."""
    container = pod["containers"][0]
    mounted, port = folders(pod, container, root), str(free_port())
    asked = str(container["ports"][0]["containerPort"])
    arguments = [port if argument == asked else argument for argument in container.get("args", [])]
    given = environment(container, mounted) | on_path() | {"BENTO_PATH": str(bento)}
    given |= {"PORT": port} if platform else {}
    output = root / "output.txt"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            ["bash", str(bento / "env/docker/entrypoint.sh"), *arguments],
            cwd=bento,
            env=given,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    server = Server(f"http://127.0.0.1:{port}", Path(given["TOUCHSTONE_LOGS"]), output, process)
    try:
        until(lambda: passes(server, container["startupProbe"]), server)
        yield server
    finally:
        if process.poll() is None:
            stop(process)


def passes(server: Server, probe: Object) -> bool:
    """Whether the kubelet would be content."""
    try:
        url = f"{server.url}{probe['httpGet']['path']}"
        return httpx.get(url, timeout=probe.get("timeoutSeconds", 1)).is_success
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("example", ["deployment", "kserve", "knative"])
def test_it_starts_answers_and_leaves_in_time(example: str, bento: Path, tmp_path: Path) -> None:
    every = {"deployment": next(pods(base())), "kserve": predictor_pod(), "knative": revision_pod()}
    pod = every[example]
    with started(pod, bento, tmp_path, platform=example == "knative") as server:
        for probe in ("readinessProbe", "livenessProbe"):
            assert passes(server, pod["containers"][0][probe])
        assert httpx.post(f"{server.url}/predict", json=BODY, timeout=30).status_code == 401
        keyed = httpx.post(f"{server.url}/predict", json=BODY, headers={"X-API-Key": KEY}, timeout=30)
        assert keyed.headers["x-model-tag"] == "sample-reviews-onnx-int8:tiny"
        assert httpx.get(f"{server.url}/metrics", timeout=30).status_code == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=pod["terminationGracePeriodSeconds"]) == 0
    assert list(server.logs.glob("sample-reviews/requests-*"))


def test_the_monitor_finds_the_model_of_the_image(bento: Path, tmp_path: Path) -> None:
    pod = list(pods(base()))[1]
    (copying,), (watcher,) = pod["initContainers"], pod["containers"]
    mounted = folders(pod, watcher, tmp_path) | {"/home/bentoml/bento": bento}
    subprocess.run([placed(word, mounted) for word in copying["command"]], check=True, timeout=60)
    given = environment(watcher, mounted) | on_path()
    (Path(given["TOUCHSTONE_LOGS"]) / "sample-reviews").mkdir()
    command = [placed(word, mounted) for word in [*watcher["command"], *watcher["args"]]]
    done = subprocess.run(
        command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    (result,) = tmp_path.glob("touchstone-reports/sample-reviews/*/result.json")
    assert json.loads(result.read_text())["model_tag"] == "sample-reviews-onnx-int8:tiny"


def test_compose_starts_it_and_finds_it_healthy(bento: Path, tmp_path: Path) -> None:
    service = read(ROOT / "deploy/compose.yaml")[0]["services"]["touchstone"]
    health = service["healthcheck"]["test"]
    assert health[:3] == ["CMD", "python", "-c"]
    variables = [{"name": name, "value": value} for name, value in service["environment"].items()]
    container = {
        "name": "touchstone",
        "args": service["command"],
        "env": variables,
        "ports": [{"containerPort": 3000}],
        "startupProbe": {"httpGet": {"path": "/readyz"}},
        "volumeMounts": [{"name": "logs", "mountPath": "/srv/logs"}, {"name": "tmp", "mountPath": "/tmp"}],
    }
    pod = {"containers": [container], "volumes": [{"name": "logs"}, {"name": "tmp"}]}
    with started(pod, bento, tmp_path) as server:
        check = health[3].replace("http://127.0.0.1:3000", server.url)
        done = subprocess.run([sys.executable, "-c", check], env=on_path(), timeout=60, check=False)
        assert done.returncode == 0
