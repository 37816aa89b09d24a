"""What follows from the two comparisons."""

from dataclasses import replace

import pytest

from train.mcnemar import Comparison
from train.outcome import Outcome

BETTER = Comparison(100, 0.6, 0.8, 5, 25, 0.0003)
ALIKE = Comparison(100, 0.6, 0.62, 8, 10, 0.81)
WORSE = Comparison(100, 0.8, 0.6, 25, 5, 0.0003)
GOOD = Outcome("t:1", "t:2", "audit", newest=BETTER, test=ALIKE, same_data=True)


def test_better_on_the_newest_and_not_worse_on_the_old_is_promoted() -> None:
    assert GOOD.is_better
    assert GOOD.recommendation.startswith(
        "Promote t:2: on the newest audit labels it is better beyond chance"
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"test": WORSE}, "on the held-out split t:2 is worse beyond chance"),
        ({"newest": ALIKE}, "on the newest audit labels t:2 is not better beyond chance"),
        ({"newest": WORSE, "test": BETTER}, "on the newest audit labels t:2 is not better beyond chance"),
        ({"source": "user"}, "users answer mostly when they are unhappy"),
    ],
)
def test_anything_else_keeps_the_served_one(changes: dict[str, object], why: str) -> None:
    outcome = replace(GOOD, **changes)  # type: ignore[arg-type]
    assert not outcome.is_better
    assert outcome.recommendation.startswith("Keep t:1: ")
    assert why in outcome.recommendation


def test_the_notes_say_what_the_figures_rest_on() -> None:
    assert len(GOOD.notes) == 1
    notes = " ".join(replace(GOOD, source="user", same_data=False).notes)
    assert "Too few audit labels came back; users answer mostly when they are unhappy" in notes
    assert "t:1 was trained on other data" in notes
