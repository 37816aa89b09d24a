"""The request log: numbers that describe an input, the row of one item, and the writer and reader by name."""

import math
import os
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import cast

import numpy as np
from numpy.typing import NDArray

from bentos.log_files import utc_text
from bentos.log_reader import LogRead, Row, item_of, read_feedback, read_log, read_texts
from bentos.log_writer import QUEUE_ROWS, RequestLog
from bentos.model_input import AnyEncoded, Encoded, EncodedPicture, Input, TextInput
from bentos.redaction import redact
from bentos.task import LogInputs, Monitoring

__all__ = ["TEXT_NUMBERS", "LogRead", "RequestLog", "Row", "describe", "hash_key", "item_of", "make_row"]
__all__ += ["open_log", "read_feedback", "read_log", "read_texts", "text_row", "token_buckets"]

TEXT_NUMBERS = ("n_chars", "n_tokens", "subword_rate", "unk_rate", "upper_share", "non_letter_share")
BUCKET_BITS = 10  # token ids are hashed into 1024 buckets
DIGITS = "0123456789abcdefghijklmnopqrstuv"
BUCKET_NAMES = [high + low for high in DIGITS for low in DIGITS]  # each bucket as two digits in base 32
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: its products spread neighbouring ids evenly


def describe(given: Input, encoded: AnyEncoded) -> dict[str, float]:
    """The numbers of an input: TEXT_NUMBERS, or PICTURE_NUMBERS, which are known since it was decoded."""
    if isinstance(encoded, EncodedPicture):
        return encoded.numbers
    return describe_text(cast(TextInput, given), encoded)


def describe_text(text: TextInput, encoded: Encoded) -> dict[str, float]:
    """The TEXT_NUMBERS; shares are 0 where there is nothing to share.

    `subword_rate` (tokens that continue a word) and `unk_rate` are shares of the tokens that the model reads,
    special ones apart; the others are of the whole text, both texts of a pair together. Shares have at most
    seven digits.
    """
    whole = text if isinstance(text, str) else "".join(text)
    letters = upper = spaces = 0
    for char, count in Counter(whole).items():
        if char.isalpha():
            letters += count
            upper += count if char.isupper() else 0
        elif char.isspace():
            spaces += count
    tokens = encoded.n_tokens - encoded.n_special
    return {
        "n_chars": len(whole),
        "n_tokens": encoded.n_tokens,
        "subword_rate": _short((tokens - encoded.n_words) / max(tokens, 1)),
        "unk_rate": _short(encoded.n_unknown / max(tokens, 1)),
        "upper_share": _short(upper / max(letters, 1)),
        "non_letter_share": _short((len(whole) - letters - spaces) / max(len(whole), 1)),
    }


def make_row(
    *,
    ts: datetime | None,
    request_id: str,
    index: int,
    model_tag: str,
    labels: Sequence[str],
    probs: Sequence[float],
    latency_ms: float | None,
    text: Input,
    encoded: AnyEncoded,
    log_inputs: LogInputs,
    key: bytes,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> Row:
    """The log row of one item; `probs` in the order of `labels`, `key` of the text hash at most 64 bytes.

    Scores, entropy and shares have at most seven significant digits, the latency three decimals; the number
    that a single label is the name of has no entropy. `buckets` holds the token buckets in rising order, two
    digits in base 32 each: `int(pair, 32)`.
    """
    scores = [float(score) for score in probs]
    best = max(range(len(scores)), key=scores.__getitem__)
    return {
        "ts": utc_text(ts) if ts else None,
        "request_id": request_id,
        "index": index,
        "model_tag": model_tag,
        "label": labels[best],
        "score": _short(scores[best]),
        "probs": [_short(score) for score in scores],
        "entropy": entropy(scores) if len(labels) > 1 else None,
        "latency_ms": latency_ms if latency_ms is None else round(latency_ms, 3),
        "status": 200,
        "truncated": encoded.truncated,
        **({"tags": dict(tags)} if tags else {}),
        **describe(text, encoded),
        **(_traces(text, encoded, key) if log_inputs != "none" else {}),
    }


def entropy(scores: Sequence[float]) -> float:
    """In nats."""
    return _short(-sum(score * math.log(score) for score in scores if score > 0))


def _traces(given: Input, encoded: AnyEncoded, key: bytes) -> Row:
    """What tells equal inputs and known words again without telling the text, or the picture."""
    if isinstance(given, bytes):
        return {"image_hash": blake2b(given, key=key, digest_size=16).hexdigest()}
    whole = given if isinstance(given, str) else "\0".join(given)
    digest = blake2b(whole.encode("utf-8", "surrogatepass"), key=key, digest_size=16)
    buckets = sorted(set(token_buckets(encoded.arrays["input_ids"]).tolist()))
    return {"text_hash": digest.hexdigest(), "buckets": "".join(BUCKET_NAMES[b] for b in buckets)}


def token_buckets(ids: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The bucket of each token id."""
    return np.asarray(ids.astype(np.uint64) * GOLDEN >> np.uint64(64 - BUCKET_BITS))


def _short(number: float) -> float:
    """Logits come in single precision: the digits beyond the seventh say nothing and cost space."""
    return float(f"{number:.7g}")


def text_row(ts: datetime, request_id: str, index: int, text: TextInput, redacted: bool) -> Row:
    """The texts of one item, which have a log of their own: they are kept for a shorter time than its row."""
    texts = [redact(one) if redacted else one for one in ([text] if isinstance(text, str) else text)]
    item = {"ts": utc_text(ts), "request_id": request_id, "index": index}
    return item | dict(zip(("text", "text_pair"), texts, strict=False))


def open_log(folder: Path, kind: str, monitoring: Monitoring, queue_rows: int = QUEUE_ROWS) -> RequestLog:
    """A log whose files are kept as long as the task says; raises OSError when the folder cannot be made."""
    days = monitoring.keep_texts_days if kind == "texts" else monitoring.keep_rows_days
    return RequestLog(folder, kind, queue_rows=queue_rows, max_days=days, max_bytes=monitoring.max_log_bytes)


def hash_key(folder: Path) -> bytes:
    """32 bytes for the text hash: from $TOUCHSTONE_HASH_KEY, or `hash.key` in `folder`, made if absent."""
    if secret := os.environ.get("TOUCHSTONE_HASH_KEY"):
        return blake2b(os.fsencode(secret), digest_size=32).digest()
    path = folder / "hash.key"
    if not path.exists():
        _create_key(path)
    return path.read_bytes()


def _create_key(path: Path) -> None:
    """Write the key aside and link it to its name, so that of two services both get the same whole key."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
        os.link(temporary, path)
    except FileExistsError:  # another service was first
        pass
    finally:
        temporary.unlink(missing_ok=True)
