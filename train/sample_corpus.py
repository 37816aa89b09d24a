"""Writes the bundled corpus: synthetic game reviews from our own grammar, the same ones for the same seed.

A review is a start symbol expanded at random for a polarity. Most sentences of the grammar serve both
polarities, and negation, contrast, hearsay and irony turn words, so counting words does not solve it.
"""

import argparse
import json
import os
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import cycle
from pathlib import Path

from train.sample_words import GENRE, LANGUAGE, PATCH, SENTENCES, WORDS

LABEL_NOISE = 0.03  # share of the labels that are turned at random, so no model can do better than 0.97
START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
SLOT = re.compile(r"<(!?)([a-z_]+)([12]?)>")
EMOJI = ("😂", "🎮", "🤷", "🔥", "💀", "🙃", "😅", "👀")  # said by both classes

Tables = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Drift:
    """One way in which the world moves on after training."""

    about: str
    tables: str  # grammar tables that replace the ordinary ones
    share: float  # of the rows that it touches
    positive: float = 0.5  # share of praise among them


DRIFTS = {
    "genre": Drift("a new genre: aspects, names and praise that the ordinary corpus never uses", GENRE, 0.6),
    "patch": Drift("a bad patch: more blame, and talk of an update now means the opposite", PATCH, 0.7, 0.25),
    "language": Drift("reviews in German among the English ones", LANGUAGE, 0.4),
}


@dataclass(frozen=True)
class Review:
    """A text and what it really says, before label noise."""

    text: str
    positive: bool
    app: str


def generate(n: int = 10_000, seed: int = 42, drift: Sequence[str] = ()) -> list[dict[str, str]]:
    """`n` rows with text, label ("negative" or "positive"), app and timestamp (ISO, UTC), oldest first.

    A share LABEL_NOISE of the labels is turned. Raises ValueError for a drift that is not in DRIFTS.
    """
    noise = random.Random(f"labels {seed}")
    rows = []
    for i, review in enumerate(write_reviews(n, seed, drift)):
        positive = review.positive != (noise.random() < LABEL_NOISE)
        label = "positive" if positive else "negative"
        moment = (START + (END - START) * i / n).strftime("%Y-%m-%dT%H:%M:%SZ")
        rows.append({"text": review.text, "label": label, "app": review.app, "timestamp": moment})
    return rows


def write_reviews(n: int, seed: int = 42, drift: Sequence[str] = ()) -> Iterator[Review]:
    """The reviews behind `generate` with the same arguments, with what each one really says."""
    if unknown := sorted(set(drift) - set(DRIFTS)):
        raise ValueError(f"drift has {', '.join(unknown)}; known are {', '.join(DRIFTS)}")
    rng = random.Random(seed)
    for _ in range(n):
        hits = tuple(name for name in DRIFTS if name in drift and rng.random() < DRIFTS[name].share)
        positive = rng.random() < min([0.5, *(DRIFTS[name].positive for name in hits)])
        writer = Writer(rng, tables_of(hits))
        text = styled(sentence_case(writer.say("review", positive)), rng)
        yield Review(text, positive, writer.app)


class Writer:
    """Expands grammar symbols for one review: one game, and each aspect is mentioned once."""

    def __init__(self, rng: random.Random, tables: Tables) -> None:
        self.rng, self.tables = rng, tables
        self.app = rng.choice(tables["game"])
        first, second, *others = rng.sample(tables["aspect"], 12)
        self.bound, self.others = ("", first, second), cycle(others)

    def say(self, symbol: str, positive: bool, bound: int = 0) -> str:
        """A random expansion of `symbol` with that polarity; `bound` 1 or 2 fixes the aspect it speaks of."""
        if symbol == "game":
            return self.app
        if symbol == "aspect":
            return self.bound[bound] or next(self.others)
        table = self.tables.get(symbol + ("+" if positive else "-")) or self.tables[symbol]
        parts = parse(self.rng.choice(table))
        return "".join(
            part if isinstance(part, str) else self.say(part[1], positive != part[0], part[2] or bound)
            for part in parts
        )


@cache
def parse(template: str) -> list[str | tuple[bool, str, int]]:
    """Literal text and slots (turned?, symbol, bound aspect or 0) of one alternative."""
    parts: list[str | tuple[bool, str, int]] = []
    end = 0
    for slot in SLOT.finditer(template):
        parts += [template[end : slot.start()], (slot[1] == "!", slot[2], int(slot[3] or 0))]
        end = slot.end()
    return [part for part in [*parts, template[end:]] if part]


@cache
def tables_of(drifts: tuple[str, ...]) -> Tables:
    """The ordinary grammar with the tables of these drifts laid over it."""
    tables = read_tables(SENTENCES) | read_tables(WORDS)
    for name in drifts:
        tables |= read_tables(DRIFTS[name].tables)
    return tables


def read_tables(text: str) -> Tables:
    """Tables from the text form that sample_words.py describes."""
    tables: dict[str, list[str]] = {}
    for line in text.strip().splitlines():
        if not line.startswith(" "):
            tables[name := line] = []
            continue
        weight, colon, alternatives = line.strip().partition(": ")
        if not (colon and weight.isdigit()):
            weight, alternatives = "1", line.strip()
        tables[name] += alternatives.split(" | ") * int(weight)
    return {name: tuple(alternatives) for name, alternatives in tables.items()}


def sentence_case(text: str) -> str:
    """Capitals at the start of sentences, and "an" before a vowel."""
    text = re.sub(r"\ba (?=[aeiou])", "an ", text)
    return re.sub(r"(^|[.!?] )(\w)", lambda m: m[1] + m[2].upper(), text)


def styled(text: str, rng: random.Random) -> str:
    """The text as a hurried or loud player would type it."""
    for share, style in STYLES:
        if rng.random() < share:
            text = style(text, rng)
    return text


def with_typo(text: str, rng: random.Random) -> str:
    """Two letters swapped, one lost or one doubled in a random word of five letters or more."""
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) > 4]
    if not long:
        return text
    i = rng.choice(long)
    word, at = words[i], rng.randrange(1, len(words[i]) - 2)
    wrong = (word[at + 1] + word[at], word[at + 1], word[at] * 2 + word[at + 1])
    words[i] = word[:at] + rng.choice(wrong) + word[at + 2 :]
    return " ".join(words)


def with_loud_word(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    i = rng.randrange(len(words))
    words[i] = words[i].upper()
    return " ".join(words)


def with_emoji(text: str, rng: random.Random) -> str:
    return f"{text} {rng.choice(EMOJI) * rng.choice((1, 1, 1, 2, 3))}"


STYLES: tuple[tuple[float, Callable[[str, random.Random], str]], ...] = (
    (0.15, with_typo),
    (0.12, lambda text, rng: text.lower()),
    (0.04, lambda text, rng: text.upper()),
    (0.06, with_loud_word),
    (0.08, lambda text, rng: text.replace("'", "")),
    (0.10, lambda text, rng: text.replace(",", "")),
    (0.08, lambda text, rng: text.replace(". ", "! ")),
    (0.20, lambda text, rng: text.rstrip(".")),
    (0.12, with_emoji),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m train.sample_corpus", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT.jsonl", help="the JSON lines file to write")
    parser.add_argument("--n", type=int, default=10_000, help="rows (default 10000)")
    parser.add_argument("--seed", type=int, default=42, help="another seed, other reviews (default 42)")
    kinds = "; ".join(f"{name}: {drift.about}" for name, drift in DRIFTS.items())
    parser.add_argument("--drift", nargs="+", default=[], choices=list(DRIFTS), help=kinds)
    args = parser.parse_args(arguments)
    if args.n < 1:
        parser.error(f"--n is {args.n}; at least one row was expected")
    try:
        write_rows(args.out, generate(args.n, args.seed, args.drift))
    except OSError as error:
        parser.error(f"cannot write {args.out}: {error.strerror}. Give a file in a folder that exists.")
    print(f"{args.n} reviews in {args.out}")
    return 0


def write_rows(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """JSON lines; the file appears whole or not at all. Raises OSError."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
