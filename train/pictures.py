"""Pictures of the data, read where they lie, and checked once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from os import cpu_count
from typing import Any

from bentos.pictures import PictureError, open_picture

Read = Callable[[], bytes]


@dataclass(frozen=True)
class Picture:
    """A whole picture of the data, by its bytes; they are read anew each time: all do not fit into memory."""

    sha256: str
    read: Read = field(compare=False)


def sound_pictures(reads: Sequence[Read | None]) -> list[Picture | None]:
    """Each read and decoded once, in threads; None for what cannot be."""
    with ThreadPoolExecutor(cpu_count()) as pool:
        return list(pool.map(_sound, reads))


def raw(given: Any) -> Any:
    """What the service would be given: a picture's bytes, a text as it is."""
    return given.read() if isinstance(given, Picture) else given


def _sound(read: Read | None) -> Picture | None:
    try:
        data = read() if read else b""
        open_picture(data)
    except (OSError, PictureError):
        return None
    return Picture(sha256(data).hexdigest(), read or bytes)
