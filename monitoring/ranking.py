"""When is a window flagged? By chance alone at first; with enough ordinary ones known, by rank among them.

Traffic wobbles, and every window is compared with the same reference, whose own sampling error repeats.
Windows known to be ordinary have both in them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from monitoring.drift import AlarmRate
from monitoring.history import Past
from monitoring.windows import Window

BURN_IN = 60  # ordinary windows before they, rather than the reference, say what is usual
KEPT = 4 * BURN_IN  # the newest of them count
CLASSES = 4  # of the day, of six hours each
MAX_ALPHA = 0.2  # of a window by rank, where two flagged ones in a row make an alarm
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rule:
    """When the drift of a window is an alarm."""

    alpha: float  # how probably a window without any change is flagged
    in_a_row: int  # flagged windows that make an alarm
    usual: list[dict[str, float]]  # effects in ordinary windows to rank among; none: by chance alone


def rule(rate: AlarmRate, alpha: float, window: Window, past: Sequence[Past]) -> Rule:
    """For a window after those of `past`, the newest first; drift has the share `alpha` of the rate.

    By rank, flagged windows without any change are independent: two in a row come at the square of their
    rate, which may therefore be the root of alpha. Against one reference they are not, and it stays alpha.
    """
    if not rate.scheduled:
        return Rule(alpha, 1, [])
    by_rank = min(MAX_ALPHA, math.sqrt(alpha))
    usual = ordinary(window, past)
    if len(usual) < max(BURN_IN, math.ceil(1 / by_rank)):
        return Rule(alpha, 2, [])
    return Rule(by_rank, 2, usual)


def ordinary(window: Window, past: Sequence[Past]) -> list[dict[str, float]]:
    """The effects in ordinary windows, of the same part of the day where there are enough of those."""
    every = [one for one in past if one.ordinary]
    alike = [one for one in every if day_class(one.window) == day_class(window)]
    chosen = alike if window.length < DAY and len(alike) >= BURN_IN else every
    return [one.effects for one in chosen[:KEPT]]


def alarms(rule: Rule, window: Window, past: Sequence[Past], flagged: bool) -> bool:
    """Whether enough flagged windows stand in a row."""
    before = past[0] if past else None
    follows = before is not None and before.flagged and before.window.end == window.start
    return flagged and (rule.in_a_row == 1 or follows)


def rank(past: Sequence[Mapping[str, float]], current: Mapping[str, float]) -> dict[str, float]:
    """Of each test, the probability that any test of a window like those goes so unusually far.

    Effects are put on the scale of all windows, this one included, so that with windows that could stand in
    any order each rank of the family's largest is equally likely: the p-values hold whatever their law.
    """
    tests = [c for c in current if all(c in one for one in past)]
    rows = np.array([[one[c] for c in tests] for one in (*past, current)])
    middle = np.median(rows, axis=0)
    spread = np.median(np.abs(rows - middle), axis=0)
    scaled = (rows - middle) / np.where(spread > 0, spread, 1)
    family = scaled.max(axis=1)[:-1]
    p = (1 + (family[:, None] >= scaled[-1]).sum(axis=0)) / len(rows)
    return dict(zip(tests, p.tolist(), strict=True))


def day_class(window: Window) -> int:
    """Which part of the day the window begins in."""
    return window.start.hour * CLASSES // 24
