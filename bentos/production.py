"""Which version of `<task>-<variant>` is in production: a file beside the versions, with its history."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bentos.log_files import utc_text
from bentos.model_store import ModelError, store_folder, write_atomically

FILE = "production.json"
Promotion = dict[str, Any]  # version, promoted, rolled_back: moments in UTC, the last one None until then


def production_file(name: str) -> Path:
    """The pointer of `<task>-<variant>`."""
    return store_folder() / name / FILE


def history(name: str) -> list[Promotion]:
    """Every promotion, the oldest first; raises ModelError when the file cannot be read."""
    path = production_file(name)
    try:
        promotions: list[Promotion] = json.loads(path.read_text("utf-8"))["promotions"]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is damaged: {error!r}. Delete it, and promote a version again.") from error
    return promotions


def in_production(name: str) -> Promotion | None:
    """The promotion that stands; None when nothing was promoted."""
    return next(iter(_standing(history(name))), None)


def default_version(name: str) -> str:
    """What is meant where no version is given: the one in production, else the latest."""
    promotion = in_production(name)
    return str(promotion["version"]) if promotion else "latest"


def earlier_version(name: str) -> str:
    """The version that was in production before this one; raises ModelError when there was none."""
    standing = _standing(history(name))
    if len(standing) < 2:
        raise ModelError(f"Of '{name}' no earlier version was in production; promote one by its tag.")
    return str(standing[1]["version"])


def promote(tag: str) -> None:
    """Put a version of the store into production."""
    name, _, version = tag.partition(":")
    with _promotions(name) as promotions:
        promotions.append({"version": version, "promoted": _now(), "rolled_back": None})


def roll_back(name: str) -> None:
    """Go back to the earlier version; raises ModelError when there was none."""
    with _promotions(name) as promotions:
        earlier_version(name)
        _standing(promotions)[0]["rolled_back"] = _now()


@contextmanager
def _promotions(name: str) -> Iterator[list[Promotion]]:
    """The history to change; one process at a time, and written whole or not at all."""
    folder = os.open(production_file(name).parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        promotions = history(name)
        yield promotions
        write_atomically(production_file(name), json.dumps({"promotions": promotions}, indent=1))
    finally:
        os.close(folder)


def _standing(promotions: list[Promotion]) -> list[Promotion]:
    """Those not rolled back, the newest first."""
    return [promotion for promotion in reversed(promotions) if promotion["rolled_back"] is None]


def _now() -> str:
    return utc_text(datetime.now(UTC))
