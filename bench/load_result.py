"""What a load run says: its outcomes summed up as one JSON object."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

REFUSALS = (429, 503)


class Outcome(NamedTuple):
    """One request; times in seconds of one clock."""

    due: float  # when it was meant to be sent
    sent: float
    done: float
    n_tokens: int
    status: int  # 0 without an answer
    retry_after: str
    error: str  # of the transport


def summary(outcomes: Sequence[Outcome], begin: float, seconds: float) -> dict[str, Any]:
    """Counts and latencies of the requests due within the window, rates of the answers that came in it."""
    window = [o for o in outcomes if begin <= o.due < begin + seconds]
    answered = [o for o in outcomes if o.status == 200 and begin <= o.done < begin + seconds]
    ok = [o for o in window if o.status == 200]
    return {
        "requests": len(window),
        "ok": len(ok),
        "by_status": {str(s): n for s, n in sorted(Counter(o.status for o in window if o.status).items())},
        "transport_errors": dict(Counter(o.error for o in window if o.error)),
        "requests_per_second": round(len(answered) / seconds, 2),
        "tokens_per_second": round(sum(o.n_tokens for o in answered) / seconds, 1),
        "latency_ms": milliseconds([o.done - o.due for o in ok]),
        "refusal_latency_ms": milliseconds([o.done - o.due for o in window if o.status in REFUSALS]),
        "retry_after": dict(Counter(o.retry_after for o in window if o.retry_after)),
        "sent_late_ms": milliseconds([o.sent - o.due for o in window]),
    }


def milliseconds(values: Sequence[float]) -> dict[str, float]:
    """Percentiles (nearest rank) of seconds, in milliseconds; empty without values."""
    ranked = sorted(values)
    if not ranked:
        return {}
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    cuts = {name: ranked[math.ceil(share * len(ranked)) - 1] for name, share in shares.items()}
    return {name: round(1000 * value, 2) for name, value in cuts.items()}
