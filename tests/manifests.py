"""The manifests under deploy/kubernetes: as they stand, and as Kustomize puts them together."""

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy/kubernetes"
Object = dict[str, Any]


def read(path: Path) -> list[Object]:
    return list(yaml.safe_load_all(path.read_text("utf-8")))


@cache
def base() -> list[Object]:
    """What stands in the base, without Kustomize."""
    files = read(FOLDER / "base/kustomization.yaml")[0]["resources"]
    return [document for file in files for document in read(FOLDER / "base" / file)]


@cache
def rendered(overlay: str) -> list[Object]:
    """What `kubectl apply -k` would send; skips the test where there is no kubectl."""
    if not (kubectl := shutil.which("kubectl")):
        pytest.skip("there is no kubectl here, which brings Kustomize")
    command = [kubectl, "kustomize", str(FOLDER / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return list(yaml.safe_load_all(done.stdout))


def documents_of(which: str) -> list[Object]:
    """The base, or an overlay by its name."""
    return base() if which == "base" else rendered(which)


def kserve() -> Object:
    return read(FOLDER / "examples/kserve.yaml")[0]


def knative() -> Object:
    return read(FOLDER / "examples/knative.yaml")[0]


def of_kind(documents: list[Object], kind: str) -> list[Object]:
    return [document for document in documents if document["kind"] == kind]


def template(document: Object) -> Object | None:
    """The pod template of a Deployment or CronJob."""
    spec = document.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    found: Object | None = spec.get("template")
    return found


def pods(documents: list[Object]) -> Iterator[Object]:
    """The pod specs."""
    for document in documents:
        if found := template(document):
            yield found["spec"]


def containers(pod: Object) -> list[Object]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def predictor_pod() -> Object:
    """The pod spec in KServe's example: a predictor is one, with a few keys of KServe's own."""
    own = {"minReplicas", "maxReplicas", "scaleMetric", "scaleTarget", "timeout"}
    return {key: value for key, value in kserve()["spec"]["predictor"].items() if key not in own}


def revision_pod() -> Object:
    """The pod spec in Knative's example, with what Knative would add."""
    own = {"containerConcurrency", "timeoutSeconds"}
    spec = knative()["spec"]["template"]["spec"]
    pod = {key: value for key, value in spec.items() if key not in own}
    return {
        **pod,
        "containers": [{"name": "user-container", **probed(one)} for one in pod["containers"]],
        "terminationGracePeriodSeconds": spec["timeoutSeconds"],
    }


def probed(container: Object) -> Object:
    """A container of Knative's with the port in its probes, which Knative puts there."""
    port = container["ports"][0]["containerPort"]
    probes = {key: value for key, value in container.items() if key.endswith("Probe")}
    filled = {key: {**value, "httpGet": {**value["httpGet"], "port": port}} for key, value in probes.items()}
    return {**container, **filled}


def one(documents: list[Object], kind: str) -> Object:
    (found,) = of_kind(documents, kind)
    return found


def service_pod(which: str) -> Object:
    return one(documents_of(which), "Deployment")["spec"]["template"]["spec"]


def every_pod() -> list[Object]:
    """Those of the base, and of the examples."""
    return [*pods(base()), predictor_pod(), revision_pod()]


def values(tree: Any, key: str) -> Iterator[Any]:
    """Every value under the key, wherever in the tree; the items of lists one by one."""
    if isinstance(tree, list):
        for item in tree:
            yield from values(item, key)
    elif isinstance(tree, dict):
        for name, value in tree.items():
            if name == key:
                yield from value if isinstance(value, list) else [value]
            yield from values(value, key)


def page() -> str:
    """docs/cluster.md, with lines that go on joined."""
    return (ROOT / "docs/cluster.md").read_text("utf-8").replace("\\\n", " ")
