"""The monitor's own metrics, of its runs and of the newest window: a file, or /metrics on this machine."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server, write_to_textfile
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitoring.history import Record
from monitoring.judge import EXIT_CODES

PREFIX = "touchstone_monitor_"
HOST = "127.0.0.1"
BY_LABELS = {
    "accuracy": ("Share of right answers by returned labels", "accuracy"),
    "rmse": ("Root mean squared error by returned labels", "RMSE"),
}

Samples = Iterable[tuple[Sequence[str], float]]  # the values of the labels, and the value


class Exposition(Collector):
    """The gauges of the last run that succeeded; none before the first one."""

    def __init__(self) -> None:
        self._families: list[Metric] = []
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def collect(self) -> Iterable[Metric]:
        return self._families

    def show(
        self,
        newest: Record,
        *,
        windows: int,
        incident_open: bool,
        undelivered: int,
        seconds: float,
        at: datetime,
    ) -> None:
        """Replace what was shown by a run that ended `at` then: its length, what the history holds by now."""
        task = newest.result["task"]
        of_run = {
            "last_success_timestamp_seconds": ("When a run succeeded last", at.timestamp()),
            "last_run_duration_seconds": ("How long that run took", seconds),
            "windows_judged": ("Windows in the history", windows),
            "incident_open": ("1 from the first alarm to the next OK", incident_open),
            "webhook_undelivered": ("Messages that the webhook's receiver has not taken", undelivered),
        }
        families = [_gauge(name, text, [], [([], value)], task) for name, (text, value) in of_run.items()]
        self._families = families + _of_window(newest)

    def write(self, path: Path) -> None:
        """Into a file for node_exporter's textfile collector, which sees the old one or the new one."""
        write_to_textfile(str(path), self._registry)

    def serve(self, port: int) -> WSGIServer:
        """Answer /metrics from a thread, as long as the server is not shut down; port 0 is any free one."""
        return start_http_server(port, HOST, self._registry)[0]


def _of_window(newest: Record) -> list[Metric]:
    """The newest window. Columns and sources are those of the task: their number does not grow."""
    result, task = newest.result, newest.result["task"]
    drift, sources = result["drift"], result["performance"]["by_source"]
    gauges: dict[str, tuple[str, list[str], Samples]] = {
        "window_end_timestamp_seconds": ("When the window ended", [], [([], newest.window.end.timestamp())]),
        "verdict": (
            "1 for the verdict of the window",
            ["verdict"],
            [([verdict], verdict == result["verdict"]) for verdict in EXIT_CODES],
        ),
        "rows": ("Rows judged", [], [([], result["rows"]["judged"])]),
        "drift_distance": (
            "At least this share of the rows has moved",
            ["column"],
            [([one["column"]], one["distance"]) for one in drift],
        ),
        "drift_p": (
            "That chance alone moves any column so improbably far",
            ["column"],
            [([one["column"]], one["p"]) for one in drift],
        ),
        "alarm_threshold": (
            "Of p: below it a column counts as moved",
            [],
            [([], result["alarm_rate"]["drift_alpha"])],
        ),
    }
    for figure, (text, short) in BY_LABELS.items():
        found = {source: one for source, one in sources.items() if figure in one}
        of_all = {
            figure: text,
            "low": f"Lower 95 % limit of the {short}",
            "high": f"Upper 95 % limit of the {short}",
        }
        for key, told in of_all.items():
            name = key if key == figure else f"{figure}_{key}"
            gauges[name] = (told, ["source"], [([source], one[key]) for source, one in found.items()])
    return [_gauge(name, text, labels, samples, task) for name, (text, labels, samples) in gauges.items()]


def _gauge(name: str, text: str, labels: Sequence[str], samples: Samples, task: str) -> Metric:
    gauge = GaugeMetricFamily(f"{PREFIX}{name}", text, labels=["task", *labels])
    for values, value in samples:
        gauge.add_metric([task, *values], float(value))
    return gauge
