"""A stored model on all its lanes, fed piece by piece: while one is computed the next is tokenized."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bentos.model_input import AnyEncoded, Input
from bentos.model_store import Entry
from bentos.postprocess import Floats, probabilities
from bentos.runner import Loaded, batch_tokens

AHEAD = 1  # pieces in the queue behind the one that is computed

Key = TypeVar("Key")
Inputs = Sequence[Input | None]  # None where a row holds nothing to score
Asked = tuple[Key, Inputs]  # a piece, whatever names it, and its inputs
Advance = Callable[[int, int], None]  # told of rows and tokens as they are done
Logits = NDArray[np.float32]


class BulkModel:
    """Scores pieces of many inputs, each sorted by length, on `lanes` threads."""

    def __init__(self, loaded: Loaded, lanes: int) -> None:
        self._entry, self._preprocess, self._model = loaded.entry, loaded.preprocess, loaded.model
        self._budget, self._lanes = batch_tokens(loaded.entry), lanes

    def answers(self, pieces: Iterable[Asked[Key]], advance: Advance) -> Iterator[tuple[Key, pa.Table]]:
        """The `answer_schema` columns of each piece, a row for each input, in order."""
        pool, begun = ThreadPoolExecutor(self._lanes), deque[tuple[Key, Callable[[], pa.Table]]]()
        try:
            for key, inputs in pieces:
                begun.append((key, self._begin(pool, inputs, advance)))
                if len(begun) > AHEAD:
                    key, wait = begun.popleft()
                    yield key, wait()
            for key, wait in begun:
                yield key, wait()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # after an error nobody wants the rest

    def _begin(self, pool: ThreadPoolExecutor, inputs: Inputs, advance: Advance) -> Callable[[], pa.Table]:
        """Tokenize a piece and put it into the queue; the function given waits for its answers."""
        items = self._readable(inputs)
        rows = list(items)
        advance(len(inputs) - len(rows), 0)
        calls: list[tuple[list[int], Future[Logits]]] = []
        for batch in length_sorted_batches([items[row].n_tokens for row in rows], self._budget):
            chosen = [rows[i] for i in batch]
            calls.append((chosen, pool.submit(self._run, [items[row] for row in chosen], advance)))

        def wait() -> pa.Table:
            logits = np.zeros((len(inputs), len(self._entry.task.labels)))
            for chosen, call in calls:
                logits[chosen] = call.result()
            return answer_table(self._entry, logits, items)

        return wait

    def _readable(self, inputs: Inputs) -> dict[int, AnyEncoded]:
        """The inputs, by row, in which the model finds anything to read."""
        given = {row: text for row, text in enumerate(inputs) if text is not None}
        encoded = self._preprocess(list(given.values()))
        return {row: item for row, item in zip(given, encoded, strict=True) if not item.is_empty}

    def _run(self, items: Sequence[AnyEncoded], advance: Advance) -> Logits:
        logits = self._model.run(self._preprocess.pad(items))
        advance(len(items), sum(item.n_tokens for item in items))
        return logits


def length_sorted_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Indices in batches of near-equal length, each of at most `budget` padded tokens (or one item)."""
    batches: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= budget:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches


def answer_schema(entry: Entry) -> pa.Schema:
    """The best label and its score, that of each of several, a number's interval, and who says so."""
    labels, ends = entry.task.labels, ("low", "high") if entry.interval else ()
    scores = ["score", *(f"score_{label}" for label in labels if len(labels) > 1), *ends]
    columns = [("label", pa.string()), *((name, pa.float64()) for name in scores)]
    return pa.schema([*columns, ("truncated", pa.bool_()), ("model_tag", pa.string())])


def answer_table(entry: Entry, logits: Floats, items: dict[int, AnyEncoded]) -> pa.Table:
    """The answers to logits [n, labels]; null, but for the tag, in the rows that are not in `items`."""
    labels, schema = entry.task.labels, answer_schema(entry)
    scores = probabilities(logits, entry.task.problem_type, entry.temperature)
    best, columns = scores.argmax(axis=-1), [scores.max(axis=-1)]
    columns += list(scores.T) if len(labels) > 1 else []
    if entry.interval:
        columns += [columns[0] - entry.interval.half_width, columns[0] + entry.interval.half_width]
    unread = np.array([row not in items for row in range(len(logits))], bool)
    truncated = np.array([row in items and items[row].truncated for row in range(len(logits))], bool)
    values = [np.array(labels, object)[best], *columns, truncated]
    arrays = [pa.array(value, field.type, mask=unread) for value, field in zip(values, schema, strict=False)]
    return pa.table([*arrays, pa.repeat(entry.tag, len(logits))], schema=schema)
