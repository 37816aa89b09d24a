"""The tally of a window by a Ray cluster: its workers count a file each, and the counts are added up here."""

import logging
import os
import socket
from collections import deque
from collections.abc import Iterable
from pathlib import Path

import ray
from ray.exceptions import RayError, RayTaskError

import bentos
import monitoring
from monitoring import reading
from monitoring.reading import Scope
from monitoring.tally import Tally, empty_tally

REACHED_WITHIN = 10  # seconds
COUNTED_WITHIN = 3600  # seconds, the next file: where the cluster has others to serve it takes its time


class FleetError(OSError):
    """A cluster that cannot be reached, or a file that it cannot count; the message is for the user."""


def connect(address: str) -> None:
    """Join the cluster at `host:port`, or start one of this machine's cores (`local`); raises FleetError.

    The workers get our code from here. They need the packages of `touchstone[monitoring,fleet]`, in the same
    versions, and the log folder under the same path.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    host, _, port = address.rpartition(":")
    try:
        if port.isdigit():  # Ray itself would try for ever
            socket.create_connection((host, int(port)), REACHED_WITHIN).close()
        ray.init(
            address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"py_modules": [bentos, monitoring]},
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise FleetError(
            f"No Ray cluster at '{address}' ({error}); give host:port of its head, or local"
        ) from error


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
            why = error.cause if isinstance(error, RayTaskError) else error
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
