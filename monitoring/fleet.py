"""The tally of a window by a Ray cluster: its workers count a file each, and the counts are added up here."""

import socket
from collections import deque
from collections.abc import Iterable
from pathlib import Path

import ray
from ray.exceptions import RayError

import bentos
import monitoring
from bentos import ray_cluster
from bentos.ray_cluster import FleetError
from monitoring import reading
from monitoring.reading import Scope
from monitoring.tally import Tally, empty_tally

COUNTED_WITHIN = 3600  # seconds, the next file: where the cluster has others to serve it takes its time


def connect(address: str) -> None:
    """Join the cluster at `host:port`, or start one of this machine's cores (`local`); raises FleetError.

    The workers get our code from here. They need the packages of `touchstone[monitoring,fleet]`, in the same
    versions, and the log folder under the same path.
    """
    ray_cluster.connect(address, bentos, monitoring)


def tally_files(paths: Iterable[Path], scope: Scope) -> Tally:
    """What `reading.tally_files` finds, to the last digit; raises FleetError.

    Ray counts a file again where a worker was lost, and there is one result for each file, whoever had it.
    """
    shared, found = ray.put(scope), empty_tally(scope.tag, scope.bins)
    waiting = deque((path, count.remote(path.absolute(), shared)) for path in paths)
    while waiting:  # those that are added up need not be kept
        path, counted = waiting.popleft()
        try:
            found += ray.get(counted, timeout=COUNTED_WITHIN)
        except RayError as error:
            why = ray_cluster.reason(error)
            raise FleetError(f"{path} was not counted by the cluster: {why}") from error
    return found


@ray.remote
def count(path: Path, scope: Scope) -> Tally:
    """The tally of one file, where there is a folder for it: a file alone may have been deleted by now."""
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"no folder {path.parent} on {socket.gethostname()}; mount the logs there too"
        )
    return reading.tally_files([path], scope)
