"""What a scheduled run leaves of all windows together: index.html, messages delivered, gauges."""

import time
from datetime import UTC, datetime, timedelta

from bentos.model_store import write_atomically
from monitoring import page
from monitoring.exposition import Exposition
from monitoring.history import History
from monitoring.incidents import Incidents
from monitoring.job import Job
from monitoring.webhook import Webhook, deliver


def leave(
    job: Job, length: timedelta, webhook: Webhook | None, exposition: Exposition, started: float
) -> str | None:
    """Bring all up to date; why messages are left, where some are. `started` by the monotonic clock."""
    history, incidents = History(job.out), Incidents(job.out)
    records = history.newest(page.WINDOWS, length)
    if not records:
        return None
    incident = incidents.last(length)
    write_atomically(job.out / "index.html", page.render(records, incident), mode=0o600)
    trouble = deliver(incidents, webhook) if webhook else None
    exposition.show(
        records[-1],
        windows=history.count(),
        incident_open=incident is not None and incident.closed is None,
        undelivered=len(incidents.undelivered()),
        seconds=time.monotonic() - started,
        at=datetime.now(UTC),
    )
    return trouble
