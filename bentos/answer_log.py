"""What the service remembers: a row for each input answered, and the true labels that come back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bentos import metrics
from bentos.model_store import Entry
from bentos.postprocess import Floats
from bentos.preprocess import AnyEncoded, Input
from bentos.request_log import hash_key, make_row, open_log, text_row
from bentos.task import Monitoring

KINDS = ("requests", "texts", "feedback")  # texts even where none are logged: earlier ones have to be deleted


class AnswerLog:
    """The logs of one process, and their part of /metrics; `monitoring` says how long they are kept.

    Raises OSError when the folder cannot be made.
    """

    def __init__(self, folder: Path, monitoring: Monitoring) -> None:
        self._logs = {kind: open_log(folder, kind, monitoring) for kind in KINDS}
        self._key = hash_key(folder)
        self._mirrors = [metrics.mirror_log(log, kind) for kind, log in self._logs.items()]

    def record(
        self,
        entry: Entry,
        request_id: str,
        milliseconds: float,
        texts: Sequence[Input],
        encoded: Sequence[AnyEncoded],
        scores: Floats,
        tags: Mapping[str, str],
        first_index: int = 0,
    ) -> None:
        """Note the answer to each input of a request; `scores` [n, labels] are the calibrated ones."""
        now, task = datetime.now(UTC), entry.task
        log_inputs = task.monitoring.log_inputs
        for i, text in enumerate(texts):
            row = make_row(
                ts=now,
                request_id=request_id,
                index=first_index + i,
                model_tag=entry.tag,
                labels=task.labels,
                probs=scores[i],
                latency_ms=milliseconds,
                text=text,
                encoded=encoded[i],
                log_inputs=log_inputs,
                key=self._key,
                tags=tags,
            )
            self._logs["requests"].write(row)
            if log_inputs in ("redacted", "full") and not isinstance(text, bytes):
                redacted = log_inputs == "redacted"
                self._logs["texts"].write(text_row(now, request_id, first_index + i, text, redacted))
            metrics.ANSWERS.labels(row["label"]).inc()
            metrics.TRUNCATED.inc(encoded[i].truncated)

    def feedback(self, row: dict[str, Any]) -> None:
        """Note a true label."""
        self._logs["feedback"].write(row)
        metrics.FEEDBACK.labels(row["source"]).inc()

    def close(self) -> None:
        """Write what waits, and bring /metrics up to date."""
        for log in self._logs.values():
            log.close()
        for mirror in self._mirrors:
            mirror.close()
