"""draft"""

from __future__ import annotations

import random
import re
from functools import cache

from train.sample_words import SENTENCES, WORDS

LABEL_NOISE = 0.03
Tables = dict[str, tuple[str, ...]]
SLOT = re.compile(r"<(!?)([a-z_]+)([12]?)>")


def read_tables(text: str) -> Tables:
    tables: dict[str, list[str]] = {}
    for line in text.strip().splitlines():
        if not line.startswith(" "):
            name = line.strip()
            tables[name] = []
            continue
        weight, colon, rest = line.strip().partition(": ")
        if not (colon and weight.isdigit()):
            weight, rest = "1", line.strip()
        tables[name] += [x.strip() for x in rest.split(" | ")] * int(weight)
    return {k: tuple(v) for k, v in tables.items()}


@cache
def parse(t):
    out = []
    at = 0
    for m in SLOT.finditer(t):
        out.append(t[at : m.start()])
        out.append((m[1] == "!", m[2], int(m[3] or 0)))
        at = m.end()
    out.append(t[at:])
    return tuple(x for x in out if x)


KINDS = ["contrast", "change", "hearsay", "comparison", "weighing", "news", "irony", "short", "closing", "negated", "emphatic"]


class Writer:
    def __init__(self, rng, tables):
        self.rng, self.tables = rng, tables
        self.app = rng.choice(tables["game"])
        self.aspects = rng.sample(sorted(set(tables["aspect"])), 12)
        self.used = 2
        self.log = []

    def aspect(self, bound):
        if bound:
            return self.aspects[bound - 1]
        self.used = 2 + (self.used - 1) % 10
        return self.aspects[self.used]

    def say(self, symbol, positive, bound=0):
        if symbol in KINDS:
            self.log.append(symbol)
        if symbol == "aspect":
            return self.aspect(bound)
        if symbol == "game":
            return self.app
        t = self.tables.get(symbol + ("+" if positive else "-")) or self.tables[symbol]
        return "".join(
            x if isinstance(x, str) else self.say(x[1], positive != x[0], x[2] or bound)
            for x in parse(self.rng.choice(t))
        )


GRAMMAR = read_tables(SENTENCES + WORDS)
EMOJI = ["😂", "🎮", "🤷", "🔥", "💀", "🙃", "😅", "👀"]


def surface(text, rng):
    text = re.sub(r"\ba (?=[aeiou])", "an ", text)
    text = re.sub(r"(^|[.!?] )([a-z])", lambda m: m[1] + m[2].upper(), text)
    r = rng.random
    if r() < 0.12:
        text = text.lower()
    elif r() < 0.04:
        text = text.upper()
    elif r() < 0.06:
        w = text.split()
        i = rng.randrange(len(w))
        w[i] = w[i].upper()
        text = " ".join(w)
    if r() < 0.08:
        text = text.replace("'", "")
    if r() < 0.1:
        text = text.replace(",", "")
    if r() < 0.08:
        text = text.replace(".", "!")
    if r() < 0.1:
        text = text.rstrip(".")
    if r() < 0.15:
        w = text.split()
        for _ in range(rng.choice((1, 1, 2))):
            i = rng.randrange(len(w))
            if len(w[i]) > 4:
                j = rng.randrange(1, len(w[i]) - 2)
                w[i] = rng.choice(
                    (
                        w[i][:j] + w[i][j + 1] + w[i][j] + w[i][j + 2 :],
                        w[i][:j] + w[i][j + 1 :],
                        w[i][:j] + w[i][j] + w[i][j:],
                    )
                )
        text = " ".join(w)
    if r() < 0.12:
        text += " " + rng.choice(EMOJI) * rng.choice((1, 1, 1, 2, 3))
    return text


def generate(n=10000, seed=42, drift=()):
    rng = random.Random(f"{seed}")
    rows = []
    for i in range(n):
        p = rng.random() < 0.5
        w = Writer(rng, GRAMMAR)
        text = surface(w.say("review", p), rng)
        lab = p != (rng.random() < LABEL_NOISE)
        rows.append(
            {
                "text": text,
                "label": "positive" if lab else "negative",
                "clean": "positive" if p else "negative",
                "app": w.app,
                "kinds": w.log,
                "timestamp": i,
            }
        )
    return rows
