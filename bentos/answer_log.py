"""What the service remembers: a row for each input answered, and the true labels that come back."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bentos import metrics
from bentos.model_store import Entry
from bentos.postprocess import Floats
from bentos.preprocess import Encoded, TextInput
from bentos.request_log import RequestLog, hash_key, make_row


class AnswerLog:
    """The request log and the feedback log of one process, and their part of /metrics.

    Raises OSError when the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._requests, self._feedback = RequestLog(folder), RequestLog(folder, "feedback")
        self._key = hash_key(folder)
        self._mirrors = [metrics.mirror_log(self._requests, "requests")]
        self._mirrors += [metrics.mirror_log(self._feedback, "feedback")]

    def record(
        self,
        entry: Entry,
        request_id: str,
        milliseconds: float,
        texts: Sequence[TextInput],
        encoded: Sequence[Encoded],
        scores: Floats,
        first_index: int = 0,
    ) -> None:
        """Note the answer to each input of a request; `scores` [n, labels] are the calibrated ones."""
        now, task = datetime.now(UTC), entry.task
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
                log_inputs=task.monitoring.log_inputs,
                key=self._key,
            )
            self._requests.write(row)
            metrics.ANSWERS.labels(row["label"]).inc()
            metrics.TRUNCATED.inc(encoded[i].truncated)

    def feedback(self, row: dict[str, Any]) -> None:
        """Note a true label."""
        self._feedback.write(row)
        metrics.FEEDBACK.labels(row["source"]).inc()

    def close(self) -> None:
        """Write what waits, and bring /metrics up to date."""
        for log in (self._requests, self._feedback):
            log.close()
        for mirror in self._mirrors:
            mirror.close()
