"""A file scored by a cluster of two nodes is the file that one machine scores, also when a node is lost."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest

import train
from tests.tiny import tiny_splits
from train.score import main

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install '.[fleet]'")
cluster_utils = pytest.importorskip("ray.cluster_utils")

MODEL = "sample-reviews-onnx:tiny"
TEXTS = [f"{text} {i}" for i, text in enumerate(tiny_splits(("negative", "positive")).test.texts * 450)]


@pytest.fixture
def cluster() -> Iterator[cluster_utils.Cluster]:
    """Two nodes of a core each."""
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def at_work() -> int:
    """How many of the cluster's workers compute, which is one on each node."""
    found = 0
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it has ended meanwhile
            found += child.cmdline()[:1] == ["ray::answer"]
    return found


@pytest.mark.usefixtures("store")
def test_a_lost_node_loses_and_doubles_no_row(cluster: cluster_utils.Cluster, tmp_path: Path) -> None:
    source, here, there = (tmp_path / f"{name}.parquet" for name in ("in", "here", "there"))
    pd.DataFrame({"id": range(len(TEXTS)), "text": TEXTS}).to_parquet(source)
    kept = there.with_name("there.parquet.parts")
    with ThreadPoolExecutor() as threads:
        done = threads.submit(main, [MODEL, str(source), str(there), "--ray", cluster.address])
        while not done.done() and (at_work() < 2 or not list(kept.glob("*.parquet"))):
            time.sleep(0.02)
        (lost,) = cluster.worker_nodes
        cluster.remove_node(lost, allow_graceful=False)
        assert kept.exists(), "all was done before the node was lost"
        assert done.result(120) == 0
    assert main([MODEL, str(source), str(here)]) == 0
    found, expected = pq.read_table(there), pq.read_table(here)
    assert found.schema == expected.schema
    assert found["id"].to_pylist() == list(range(len(TEXTS)))
    assert found["label"].equals(expected["label"])
    assert max(abs(found["score"].to_numpy() - expected["score"].to_numpy())) < 1e-6


@pytest.mark.usefixtures("store")
def test_a_cluster_needs_ray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, "train.fleet", raising=False)
    monkeypatch.delattr(train, "fleet", raising=False)
    source = tmp_path / "in.parquet"
    pd.DataFrame({"text": TEXTS[:1]}).to_parquet(source)
    assert main([MODEL, str(source), str(tmp_path / "out.parquet"), "--ray", "local"]) == 1
    assert "--ray needs Ray: pip install" in capsys.readouterr().err
