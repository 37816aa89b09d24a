"""Pieces of a file answered by a Ray cluster, one on each core at a time; the model goes along."""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")  # a worker begins here
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pyarrow as pa
import ray
from ray.exceptions import RayError

import bentos
import train
from bentos import ray_cluster
from bentos.model_store import Entry, open_entry
from bentos.ray_cluster import FleetError
from bentos.runner import load_sound
from train.bulk import Advance, Asked, BulkModel, Inputs, Key

ASKED = 2  # pieces for each core at a time, so that none waits for the next
ANSWERED_WITHIN = 3600  # seconds, the next piece: where the cluster has others to serve it takes its time


class Fleet:
    """A cluster that has the files of a store entry in its object store; its nodes need no model store."""

    def __init__(self, address: str, entry: Entry) -> None:
        """Join the cluster; raises FleetError."""
        ray_cluster.connect(address, bentos, train)
        paths = [path for path in entry.path.rglob("*") if path.is_file()]
        self._files = ray.put({str(path.relative_to(entry.path)): path.read_bytes() for path in paths})
        self._tag, resources = entry.tag, ray.cluster_resources()
        on_gpu = entry.variant == "torch" and "GPU" in resources
        self._answer = answer.options(num_gpus=1 if on_gpu else 0)
        self._most = ASKED * int(resources.get("CPU", 1))

    def answers(self, pieces: Iterable[Asked[Key]], advance: Advance) -> Iterator[tuple[Key, pa.Table]]:
        """What `BulkModel.answers` gives, in the order in which it is done; raises FleetError.

        Ray has a piece answered again where a worker was lost; there is one answer to each, whoever gave it.
        """
        asked: dict[ray.ObjectRef[Any], Key] = {}
        for key, inputs in pieces:
            asked[self._answer.remote(self._tag, [self._files], inputs)] = key
            if len(asked) >= self._most:
                yield _next(asked, advance)
        while asked:
            yield _next(asked, advance)


def _next(asked: dict[ray.ObjectRef[Any], Key], advance: Advance) -> tuple[Key, pa.Table]:
    done, _ = ray.wait(list(asked), timeout=ANSWERED_WITHIN)
    if not done:
        raise FleetError(f"The cluster has answered nothing for {ANSWERED_WITHIN:,} s; look at its workers.")
    try:
        table, n_tokens = ray.get(done[0])
    except RayError as error:
        raise FleetError(f"A piece was not answered by the cluster: {ray_cluster.reason(error)}") from error
    advance(len(table), n_tokens)
    return asked.pop(done[0]), table


@ray.remote
def answer(tag: str, files: Sequence[ray.ObjectRef[Any]], inputs: Inputs) -> tuple[pa.Table, int]:
    """The answers to one piece and its tokens; `files` has one reference, which is looked up only once."""
    n_tokens = 0

    def count(rows: int, tokens: int) -> None:
        nonlocal n_tokens
        n_tokens += tokens

    ((_, table),) = model_of(tag, files[0]).answers([(tag, inputs)], count)
    return table, n_tokens


@lru_cache(maxsize=1)
def model_of(tag: str, files: ray.ObjectRef[Any]) -> BulkModel:
    """The model, checked on this machine, for as long as the worker lives; raises ModelError."""
    with TemporaryDirectory() as folder:
        for name, content in ray.get(files).items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return BulkModel(load_sound(open_entry(Path(folder), tag)), lanes=1)
