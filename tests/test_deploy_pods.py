"""The pods of the manifests: what they may, what they are told, and what they mount and ask for."""

import re

import pytest

from bentos.http import PATHS
from bentos.task import load_task
from monitoring.__main__ import parse
from tests.manifests import (
    ROOT,
    Object,
    base,
    containers,
    documents_of,
    every_pod,
    one,
    pods,
    predictor_pod,
    revision_pod,
    service_pod,
    template,
    values,
)

with_each = pytest.mark.parametrize("which", ["base", "cpu", "gpu"])
with_each_pod = pytest.mark.parametrize("pod", every_pod(), ids=["service", "monitor", "kserve", "knative"])


@with_each_pod
def test_every_mount_has_its_volume(pod: Object) -> None:
    mounted = {mount["name"] for container in containers(pod) for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


@with_each_pod
def test_every_folder_that_the_environment_names_is_mounted(pod: Object) -> None:
    container = pod["containers"][0]
    folders = {mount["mountPath"]: mount.get("readOnly", False) for mount in container["volumeMounts"]}
    given = {one["name"]: one["value"] for one in container["env"] if "value" in one}
    paths = {name: value for name, value in given.items() if value.startswith("/")}
    for path in paths.values():
        assert any(f"{path}/".startswith(f"{folder}/") for folder in folders), path
    writable = [folder for folder, read_only in folders.items() if not read_only]
    assert any(f"{paths['BENTOML_HOME']}/".startswith(f"{folder}/") for folder in writable)


def test_the_monitor_reads_where_the_service_writes() -> None:
    served, watched = (pod["containers"][0] for pod in pods(base()))
    for container in (served, watched):
        (folder,) = (e["value"] for e in container["env"] if e["name"] == "TOUCHSTONE_LOGS")
        (name,) = (m["name"] for m in container["volumeMounts"] if m["mountPath"] == folder)
        assert name == "logs"
    assert [set(values(pod, "claimName")) & {"touchstone-logs"} for pod in pods(base())] == [
        {"touchstone-logs"},
        {"touchstone-logs"},
    ]


@with_each_pod
def test_pods_are_of_the_restricted_profile(pod: Object) -> None:
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert {kind for volume in pod["volumes"] for kind in volume} <= {
        "name",
        "persistentVolumeClaim",
        "emptyDir",
        "secret",
    }
    for container in containers(pod):
        settings = pod.get("securityContext", {}) | container["securityContext"]
        assert settings["runAsNonRoot"] is True
        assert settings["runAsUser"] == 1034  # a number: the image gives a name, which nobody can check
        assert settings["seccompProfile"] == {"type": "RuntimeDefault"}
        assert settings["allowPrivilegeEscalation"] is False
        assert settings["capabilities"] == {"drop": ["ALL"]}
        assert settings["readOnlyRootFilesystem"] is True


def test_the_namespace_asks_for_that_profile_and_nobody_has_rights() -> None:
    labels = one(base(), "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert [pod["automountServiceAccountToken"] for pod in pods(base())] == [False, False]
    assert {d["kind"] for d in base()} & {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"} == set()


@with_each_pod
def test_every_name_of_the_environment_is_read_somewhere(pod: Object) -> None:
    names = {variable["name"] for container in containers(pod) for variable in container.get("env", [])}
    sources = "".join(path.read_text() for path in [*ROOT.glob("bentos/*.py"), *ROOT.glob("monitoring/*.py")])
    ours = {name for name in names if name != "MPLCONFIGDIR"}  # Matplotlib's
    assert ours
    assert [name for name in ours if f'"{name.removesuffix("_FILE")}"' not in sources] == []


def test_no_variable_of_a_service_comes_between() -> None:
    assert [pod["enableServiceLinks"] for pod in every_pod()] == [False] * 4


@pytest.mark.parametrize("pod", [next(pods(base())), predictor_pod(), revision_pod()])
def test_probes_ask_for_routes_of_ours(pod: Object) -> None:
    (container,) = pod["containers"]
    paths = {key: container[f"{key}Probe"]["httpGet"]["path"] for key in ("startup", "readiness", "liveness")}
    assert paths == {"startup": "/readyz", "readiness": "/readyz", "liveness": "/livez"}
    assert set(paths.values()) <= PATHS


def test_there_is_time_to_leave() -> None:
    body = re.search(r"^BODY_SECONDS = (\S+)", (ROOT / "service.py").read_text(), re.MULTILINE)
    assert body
    serving = load_task("sample-reviews").serving
    needed = serving.drain_seconds + float(body[1]) + serving.timeout + 3
    for pod in (next(pods(base())), predictor_pod(), revision_pod()):
        assert pod["terminationGracePeriodSeconds"] >= needed
        assert "lifecycle" not in pod["containers"][0]


@pytest.mark.parametrize("which", ["base", "cpu", "gpu", "kserve", "knative"])
def test_the_service_is_told_its_port_and_nothing_else(which: str) -> None:
    """A Bento would refuse `--arg`."""
    examples = {"kserve": predictor_pod, "knative": revision_pod}
    (container,) = (examples[which]() if which in examples else service_pod(which))["containers"]
    port = container["ports"][0]["containerPort"]
    by_platform = which == "knative"  # in PORT
    assert container.get("args") == (None if by_platform else ["serve", "--port", str(port)])
    assert "command" not in container


@with_each
def test_the_monitor_knows_its_arguments(which: str) -> None:
    (container,) = template(one(documents_of(which), "CronJob"))["spec"]["containers"]
    assert container["command"][:3] == ["python", "-m", "monitoring"]
    arguments = parse([*container["command"][3:], *container["args"]])
    assert (arguments.task, arguments.window) == ("sample-reviews", "1h")
    assert arguments.variant == ("torch" if which == "gpu" else "onnx-int8")
    assert str(arguments.out) in {mount["mountPath"] for mount in container["volumeMounts"]}


@with_each
def test_the_monitor_compares_with_what_is_served(which: str) -> None:
    served = service_pod(which)["containers"][0]
    pod = template(one(documents_of(which), "CronJob"))["spec"]
    (copying,) = pod["initContainers"]
    assert copying["image"] == served["image"]
    (mount,) = copying["volumeMounts"]
    assert copying["command"][-1] == f"{mount['mountPath']}/"
    assert {"name": "BENTOML_HOME", "value": mount["mountPath"]} in pod["containers"][0]["env"]


def test_the_gpu_overlay_asks_for_a_gpu() -> None:
    pod = service_pod("gpu")
    (container,) = pod["containers"]
    assert container["resources"]["requests"]["nvidia.com/gpu"] == 1
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert pod["tolerations"][0]["key"] == "nvidia.com/gpu"
    assert container["image"] != service_pod("cpu")["containers"][0]["image"]
