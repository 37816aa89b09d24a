"""A retrained candidate beside the served version: what was found, what follows from it, and the table."""

from dataclasses import dataclass

from rich.table import Table

from bentos.model_store import Entry
from train.data import Split, Splits
from train.evaluate import entry_logits
from train.figures_table import figures_table
from train.held_out import Divided
from train.mcnemar import ALPHA, Comparison, compare

UNHAPPY = "users answer mostly when they are unhappy with the served version"


@dataclass(frozen=True)
class Outcome:
    """Two versions, compared on the newest labelled rows and on the held-out test split."""

    served: str  # tag
    candidate: str  # tag
    source: str  # of the newest labels: audit or user
    newest: Comparison
    test: Comparison
    same_data: bool  # the served version was trained on the very old data that the test split is cut from

    @property
    def is_better(self) -> bool:
        """Fit for promotion: shown by a random sample of the newest answers, at no cost on the old data."""
        return self.source == "audit" and self.newest.better and not self.test.worse

    @property
    def recommendation(self) -> str:
        """What to do and why, in a sentence."""
        if self.is_better:
            return (
                f"Promote {self.candidate}: on the newest audit labels it is better beyond chance, on the "
                "held-out split it is not worse."
            )
        return f"Keep {self.served}: {self._objection()}."

    @property
    def notes(self) -> list[str]:
        """What one must know to read the figures."""
        notes = [f"Beyond chance: two-sided p of McNemar's exact test up to {ALPHA}."]
        if self.source == "user":
            notes.append(f"Too few audit labels came back; {UNHAPPY}, so theirs are no random sample.")
        if not self.same_data:
            notes.append(
                f"{self.served} was trained on other data, or another split of it: it may have learned rows "
                "of the held-out split."
            )
        return notes

    def table(self) -> Table:
        """Both comparisons, a column each."""
        columns = ("held-out split", f"newest {self.source} labels")
        table = figures_table("", *columns, title="served and candidate")
        pair = (self.test, self.newest)
        table.add_row("rows", *(f"{one.rows:,}" for one in pair))
        table.add_row("accuracy, served", *(f"{one.served_accuracy:.4f}" for one in pair))
        table.add_row("accuracy, candidate", *(f"{one.candidate_accuracy:.4f}" for one in pair))
        table.add_row("only the served is right", *(f"{one.only_served_right:,}" for one in pair))
        table.add_row("only the candidate is right", *(f"{one.only_candidate_right:,}" for one in pair))
        table.add_row("p", *(f"{one.p:.2g}" for one in pair))
        return table

    def _objection(self) -> str:
        if self.test.worse:
            return f"on the held-out split {self.candidate} is worse beyond chance"
        if not self.newest.better:
            return f"on the newest {self.source} labels {self.candidate} is not better beyond chance"
        return (
            f"the candidate is better on labels of users only, and {UNHAPPY}; have a random sample labelled"
        )


def compare_versions(served: Entry, candidate: Entry, old: Splits, divided: Divided) -> Outcome:
    """Both versions on the held-out split and on the newest labelled rows."""
    data = served.metrics.get("retrained", {}).get("old_data_sha256", served.metrics.get("data_sha256"))
    return Outcome(
        served=served.tag,
        candidate=candidate.tag,
        source=divided.source,
        newest=compare_on(divided.newest, served, candidate),
        test=compare_on(old.test, served, candidate),
        same_data=data == old.sha256,
    )


def compare_on(rows: Split, served: Entry, candidate: Entry) -> Comparison:
    """McNemar's test of the labels that the two give to the rows."""
    one, other = (entry_logits(entry, rows).argmax(axis=-1).tolist() for entry in (served, candidate))
    return compare(one, other, rows.labels)
