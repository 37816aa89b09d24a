"""One value of a data file as a label, a number, a moment or a text."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, time

BOOLEANS = {"false": 0, "true": 1}


def label_position(value: object, labels: Sequence[str]) -> int | None:
    """The position of a label given by its name, else by its position; None for neither.

    False is 0 and true is 1. Names go first: with labels ("1", "2", "3") the number 1 is the first label.
    """
    text = str(value).strip()
    if text in labels:
        return labels.index(text)
    position = BOOLEANS.get(text.lower(), number(text))
    if position is None or position not in range(len(labels)):
        return None
    return int(position)


def label_vector(value: object, labels: Sequence[str]) -> tuple[float, ...] | None:
    """1 at each label of a list, 0 elsewhere; None where it is no list or holds an unknown label."""
    if not isinstance(value, list):
        return None
    positions = {label_position(one, labels) for one in value}
    return None if None in positions else tuple(float(i in positions) for i in range(len(labels)))


def flag_vector(values: Sequence[object]) -> tuple[float, ...] | None:
    """The 0 or 1 (false or true) of each label; None where one is neither."""
    flags = [BOOLEANS.get(str(value).strip().lower(), number(value)) for value in values]
    return tuple(map(float, flags)) if set(flags) <= {0, 1} else None  # type: ignore[arg-type]


def number(value: object) -> float | None:
    """A finite number, also from its text, else None; a boolean is none."""
    if isinstance(value, bool):
        return None
    try:
        result = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def plain_text(value: object) -> str:
    """The value as text; half a surrogate pair, which no tokenizer takes, becomes U+FFFD."""
    text = str(value)
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def moment(value: object) -> datetime | None:
    """A moment in UTC from ISO 8601, Unix seconds, a date or a datetime, else None; no zone means UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            value = number(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    seconds = number(value)
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def moment_text(value: datetime | None) -> str | None:
    """The moment as the request log writes it: 2026-11-21T09:14:00.123456Z."""
    return None if value is None else f"{value:%Y-%m-%dT%H:%M:%S.%f}Z"
