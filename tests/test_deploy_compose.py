"""deploy/compose.yaml: what its parts call each other by, and what they start, exists."""

import re
import tomllib
from typing import Any

import pytest

from monitoring.__main__ import parse
from tests.manifests import ROOT, read

DEPLOY = ROOT / "deploy"
COMPOSE = read(DEPLOY / "compose.yaml")[0]
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SCRAPES = {
    job["job_name"]: job["static_configs"][0]["targets"][0]
    for job in read(DEPLOY / "prometheus/prometheus.yaml")[0]["scrape_configs"]
}


def mounts(service: str) -> dict[str, str]:
    """By the path inside, the volume or folder outside."""
    pairs = (volume.split(":") for volume in SERVICES[service].get("volumes", []))
    return {inside: outside for outside, inside, *_ in pairs}


def test_every_volume_and_folder_is_there() -> None:
    outside = {source for service in SERVICES for source in mounts(service).values()}
    assert {source for source in outside if "/" not in source} == set(COMPOSE["volumes"])
    assert [path for path in outside if "/" in path and not (DEPLOY / path).is_dir()] == []
    build = SERVICES["monitor"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


def test_the_monitors_image_gets_every_package_of_ours() -> None:
    recipe = (DEPLOY / "monitoring/Dockerfile").read_text()
    copied = {name for line in re.findall(r"^COPY (.+) \S+$", recipe, re.MULTILINE) for name in line.split()}
    assert [name for name in copied if not (ROOT / name).exists()] == []
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    modules = {f"{name}.py" for name in packed["py-modules"]}
    assert {name.partition(".")[0] for name in packed["packages"]} | modules <= copied


def test_it_waits_for_services_that_there_are() -> None:
    for service in SERVICES.values():
        assert set(service.get("depends_on", [])) <= set(SERVICES)


def test_the_monitor_knows_its_arguments_and_reads_what_the_service_writes() -> None:
    monitor = SERVICES["monitor"]
    assert monitor["command"][:3] == ["python", "-m", "monitoring"]
    arguments = parse(monitor["command"][3:])
    assert arguments.loop
    assert mounts("monitor")[str(arguments.out)] == "reports"
    logs = {
        mounts(name)[SERVICES[name]["environment"]["TOUCHSTONE_LOGS"]] for name in ("touchstone", "monitor")
    }
    assert logs == {"logs"}
    assert mounts("monitor")[monitor["environment"]["BENTOML_HOME"]] == "bentoml"


def test_prometheus_asks_where_they_answer() -> None:
    port = SERVICES["touchstone"]["command"][2]
    assert SCRAPES["touchstone"] == f"touchstone:{port}"
    assert SERVICES["monitor"]["network_mode"] == "service:prometheus"  # so 127.0.0.1 is that of both
    arguments = parse(SERVICES["monitor"]["command"][3:])
    assert SCRAPES["touchstone-monitor"] == f"127.0.0.1:{arguments.serve}"


def test_prometheus_and_grafana_find_their_files() -> None:
    inside = dict(word.removeprefix("--").split("=") for word in SERVICES["prometheus"]["command"])
    folder, _, file = inside["config.file"].rpartition("/")
    assert (DEPLOY / mounts("prometheus")[folder] / file).is_file()
    provider = read(DEPLOY / "grafana/provisioning/dashboards/touchstone.yaml")[0]["providers"][0]
    dashboards = DEPLOY / mounts("grafana")[provider["options"]["path"]]
    assert list(dashboards.glob("*.json"))
    source = read(DEPLOY / "grafana/provisioning/datasources/prometheus.yaml")[0]["datasources"][0]
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in SERVICES


@pytest.mark.parametrize("service", ["touchstone", "monitor"])
def test_what_runs_our_code_has_no_rights(service: str) -> None:
    assert SERVICES[service]["read_only"]
    assert SERVICES[service]["cap_drop"] == ["ALL"]
    assert SERVICES[service]["security_opt"] == ["no-new-privileges:true"]


def test_nothing_listens_beyond_this_machine() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_name_of_the_environment_is_read_somewhere() -> None:
    names = {name for service in SERVICES.values() for name in service.get("environment", {})}
    ours = {name for name in names if not name.startswith("GF_")}  # Grafana's
    sources = "".join(path.read_text() for path in [*ROOT.glob("bentos/*.py"), *ROOT.glob("monitoring/*.py")])
    assert [name for name in ours if f'"{name}"' not in sources] == []
