"""The names of every series that the service and the monitor export."""

from datetime import timedelta

from prometheus_client import REGISTRY

import bentos.metrics  # noqa: F401  makes the service's metrics
from monitoring.exposition import Exposition
from tests.monitoring_records import START, labelled, make_record

SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


def of_service() -> set[str]:
    return {
        family.name + suffix
        for family in REGISTRY.collect()
        if family.name.startswith("touchstone_")
        for suffix in SUFFIXES[family.type]
    }


def of_monitor() -> set[str]:
    exposition = Exposition()
    newest = make_record(3, performance=labelled(0.85))
    at = START + timedelta(days=1)
    exposition.show(newest, windows=1, incident_open=False, undelivered=0, seconds=1.0, at=at)
    return {family.name for family in exposition.collect()}
