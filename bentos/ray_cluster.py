"""Joining a Ray cluster; imported only where there is one to join."""

import logging
import os
import socket
from types import ModuleType

import ray
from ray.exceptions import RayError, RayTaskError

REACHED_WITHIN = 10  # seconds


class FleetError(OSError):
    """A cluster that cannot be reached, or work that it cannot do; the message is for the user."""


def connect(address: str, *modules: ModuleType) -> None:
    """Join the cluster at `host:port`, or start one of this machine's cores (`local`); raises FleetError.

    The workers get the `modules` from here; the packages that these import they need themselves.
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
            runtime_env={"py_modules": list(modules)},
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise FleetError(
            f"No Ray cluster at '{address}' ({error}); give host:port of its head, or local"
        ) from error


def reason(error: RayError) -> BaseException:
    """What went wrong on a worker, or how the worker was lost."""
    return error.cause if isinstance(error, RayTaskError) else error
