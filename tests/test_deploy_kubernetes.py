"""The manifests for a cluster: the API's schemas take them, and they fit each other and the service."""

import re
import subprocess

import kubernetes_validate
import pytest
import yaml

from bentos.http import PATHS
from tests import exported_metrics
from tests.manifests import (
    FOLDER,
    ROOT,
    Object,
    base,
    documents_of,
    every_pod,
    knative,
    kserve,
    of_kind,
    one,
    page,
    pods,
    predictor_pod,
    read,
    rendered,
    revision_pod,
    service_pod,
    template,
    values,
)

VERSIONS = ("1.32", "1.37")
LABELS = {"app.kubernetes.io/name": "touchstone", "app.kubernetes.io/component": "service"}
CHOICES = {  # the schemas leave these open
    "accessModes": {"ReadWriteMany", "ReadWriteOnce"},
    "concurrencyPolicy": {"Forbid"},
    "effect": {"NoSchedule"},
    "fsGroupChangePolicy": {"OnRootMismatch"},
    "operator": {"Exists"},
    "policyTypes": {"Ingress", "Egress"},
    "protocol": {"TCP", "UDP"},
    "restartPolicy": {"Never"},
    "unhealthyPodEvictionPolicy": {"AlwaysAllow"},
    "whenUnsatisfiable": {"ScheduleAnyway"},
}

with_each = pytest.mark.parametrize("which", ["base", "cpu", "gpu"])
with_each_overlay = pytest.mark.parametrize("overlay", ["cpu", "gpu"])


def as_pod(spec: Object) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}


@pytest.mark.parametrize("version", VERSIONS)
@with_each
def test_kubernetes_takes_every_object(which: str, version: str) -> None:
    documents = [d for d in documents_of(which) if d["kind"] != "ServiceMonitor"]
    assert len(documents) > 8
    for document in documents:
        assert kubernetes_validate.validate(document, version, strict=True) == version


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("pod", [predictor_pod(), revision_pod()], ids=["kserve", "knative"])
def test_the_examples_hold_a_pod(pod: Object, version: str) -> None:
    assert kubernetes_validate.validate(as_pod(pod), version, strict=True) == version


def test_a_misspelt_key_would_be_noticed() -> None:
    job = one(base(), "CronJob")
    wrong = {**job, "spec": {**job["spec"], "concurencyPolicy": "Forbid"}}
    with pytest.raises(kubernetes_validate.ValidationError, match="concurencyPolicy"):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_the_operators_take_their_resources() -> None:
    from cloudcoil.models.knative_serving.serving.v1 import Service
    from cloudcoil.models.prometheus_operator.v1 import PrometheusRule, ServiceMonitor

    for model, resource in (
        (ServiceMonitor, read(FOLDER / "prometheus/service-monitor.yaml")[0]),
        (Service, knative()),
        (PrometheusRule, wrapped_rules()),
    ):
        taken = model.model_validate(resource, strict=True)
        assert taken.model_dump(by_alias=True, exclude_unset=True) == resource  # it drops unknown keys


def wrapped_rules() -> Object:
    """What the page's command makes of the rules for the service."""
    command = re.search(r"^\{ printf .*?; \}", page(), re.MULTILINE | re.DOTALL)
    assert command
    done = subprocess.run(["bash", "-c", command[0]], cwd=ROOT, capture_output=True, check=True, timeout=30)
    made: Object = yaml.safe_load(done.stdout)
    assert made["spec"] == read(ROOT / "deploy/prometheus/service-rules.yaml")[0]
    return made


def test_the_page_names_what_there_is() -> None:
    named = set(re.findall(r"\bdeploy/[\w./-]*\w", page()))
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z]+)", page(), re.MULTILINE)) <= targets
    objects = {f"{d['kind']}/{d['metadata']['name']}".lower() for d in base()}
    assert set(re.findall(r"\b(?:deployment|service|cronjob)/[\w-]+", page())) <= objects


def test_every_choice_is_one_of_the_api() -> None:
    trees = [base(), read(FOLDER / "overlays/gpu/deployment.yaml"), kserve(), knative()]
    for key, allowed in CHOICES.items():
        found = set(values(trees, key))
        assert found, key
        assert found <= allowed, key


@with_each
def test_selectors_find_what_they_mean(which: str) -> None:
    documents = documents_of(which)
    deployment, job = one(documents, "Deployment"), one(documents, "CronJob")
    pod_labels = template(deployment)["metadata"]["labels"]
    assert pod_labels == deployment["spec"]["selector"]["matchLabels"] == LABELS
    assert one(documents, "Service")["spec"]["selector"] == LABELS
    assert one(documents, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == LABELS
    spread = template(deployment)["spec"]["topologySpreadConstraints"]
    assert [constraint["labelSelector"]["matchLabels"] for constraint in spread] == [LABELS, LABELS]
    policies = [d["spec"]["podSelector"]["matchLabels"] for d in of_kind(documents, "NetworkPolicy")]
    assert policies == [LABELS, template(job)["metadata"]["labels"]]
    assert policies[0] != policies[1]


@with_each_overlay
def test_prometheus_finds_the_service_and_its_port(overlay: str) -> None:
    documents = rendered(overlay)
    monitor, found = one(documents, "ServiceMonitor"), one(documents, "Service")
    assert monitor["spec"]["selector"]["matchLabels"] == found["metadata"]["labels"]
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in found["spec"]["ports"]}
    assert endpoint["path"] in PATHS
    assert found["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "touchstone"  # the job of the rules


@with_each
def test_ports_are_called_by_names_that_exist(which: str) -> None:
    documents = documents_of(which)
    (container,) = service_pod(which)["containers"]
    names = {port["name"] for port in container["ports"]}
    policy = of_kind(documents, "NetworkPolicy")[0]
    assert {port["targetPort"] for port in one(documents, "Service")["spec"]["ports"]} <= names
    assert {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]} == names
    assert set(values(container, "port")) == names


@with_each
def test_names_lead_to_objects(which: str) -> None:
    documents = documents_of(which)
    claims = {d["metadata"]["name"] for d in of_kind(documents, "PersistentVolumeClaim")}
    accounts = {d["metadata"]["name"] for d in of_kind(documents, "ServiceAccount")}
    for pod in pods(documents):
        assert set(values(pod, "claimName")) <= claims
        assert pod["serviceAccountName"] in accounts
    target = one(documents, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    deployment = one(documents, "Deployment")
    assert target == {
        "apiVersion": deployment["apiVersion"],
        "kind": "Deployment",
        "name": deployment["metadata"]["name"],
    }
    assert "replicas" not in deployment["spec"]  # an apply would undo what the autoscaler did


@with_each_overlay
def test_everything_is_in_one_namespace(overlay: str) -> None:
    documents = [d for d in rendered(overlay) if d["kind"] != "Namespace"]
    (namespace,) = {d["metadata"]["namespace"] for d in documents}
    assert one(rendered(overlay), "Namespace")["metadata"]["name"] == namespace


def test_secrets_are_only_referred_to_and_the_page_says_how_to_make_them() -> None:
    made = dict(re.findall(r"create secret generic (\S+)\s+--from-\w+=([\w-]+)=", page()))
    named = {
        (volume["secret"]["secretName"], "api-keys")
        for pod in every_pod()
        for volume in pod["volumes"]
        if "secret" in volume
    }
    named |= {(key["name"], key["key"]) for pod in every_pod() for key in values(pod, "secretKeyRef")}
    assert {name for name, _ in named} == set(made)
    assert made["touchstone-api-keys"] == "api-keys"
    assert {key for name, key in named if name == "touchstone-webhook"} == {"url", "secret"}
    assert [kind for kind in (d["kind"] for d in base()) if kind == "Secret"] == []


def test_a_rollout_takes_nothing_away() -> None:
    deployment = one(base(), "Deployment")["spec"]
    assert deployment["strategy"]["type"] == "RollingUpdate"
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert one(base(), "HorizontalPodAutoscaler")["spec"]["minReplicas"] >= 2
    assert one(base(), "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


@with_each_overlay
def test_the_autoscaler_goes_by_a_metric_that_the_adapter_brings(overlay: str) -> None:
    metrics = one(rendered(overlay), "HorizontalPodAutoscaler")["spec"]["metrics"]
    by_kind = {metric["type"]: metric for metric in metrics}
    assert set(by_kind) == {"Resource", "Pods"}
    name = by_kind["Pods"]["pods"]["metric"]["name"]
    (rule,) = read(FOLDER / "prometheus/adapter-rule.yaml")[0]["rules"]
    assert name in exported_metrics.of_service()
    assert rule["seriesQuery"].startswith(f"{name}{{")
    assert "cpu" in service_pod(overlay)["containers"][0]["resources"]["requests"]  # a share of what


def test_only_labelled_namespaces_reach_the_service_and_it_reaches_a_name_server() -> None:
    policy = of_kind(base(), "NetworkPolicy")[0]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    (entrance,), (exit,) = policy["ingress"], policy["egress"]
    ((label, value),) = entrance["from"][0]["namespaceSelector"]["matchLabels"].items()
    assert f"kubectl label namespace monitoring {label}={value}" in page()
    assert {port["port"] for port in exit["ports"]} == {53}
