"""What chance does, known from draws: a p-value that is one, and its inverse."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from monitoring.chance import DRAWS, Null, drawn, shuffled, surprise, value_at

EXPONENTIAL = -np.log((np.arange(DRAWS) + 0.5) / DRAWS)  # ranks as even as can be


@pytest.mark.parametrize("p", [0.9, 0.5, 0.05, 0.01, 1e-4, 1e-9])
def test_a_tail_goes_on_beyond_the_draws(p: float) -> None:
    value = -np.log(p)
    assert surprise(EXPONENTIAL, np.array(value)) == pytest.approx(value, rel=0.06, abs=0.01)
    assert value_at(EXPONENTIAL, value) == pytest.approx(value, rel=0.06, abs=0.01)


def test_where_chance_does_nothing_the_asymptotic_tail_holds() -> None:
    assert surprise(np.zeros(DRAWS), np.array([0.0, 1.0])) == pytest.approx([0.0, 1.0])


def test_equal_columns_cost_nothing_and_others_their_number() -> None:
    rng = np.random.default_rng(1)
    one = rng.exponential(size=DRAWS)
    same = Null({f"c{i}": one for i in range(10)})
    others = Null({f"c{i}": rng.exponential(size=DRAWS) for i in range(10)})
    for null, p in ((same, 0.01), (others, 0.1)):
        scores = dict.fromkeys(null.scores, value_at(null.scores["c0"], -np.log(0.01)))
        assert null.p_values(scores)["c0"] == pytest.approx(p, rel=0.3)


def test_the_critical_score_has_the_p_value_asked_for() -> None:
    rng = np.random.default_rng(2)
    null = Null({f"c{i}": rng.exponential(size=DRAWS) for i in range(5)})
    scores = dict.fromkeys(null.scores, null.critical("c3", 0.02))
    assert null.p_values(scores)["c3"] == pytest.approx(0.02, rel=0.1)


TABLE = csr_array(np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.float32))


def test_dealing_out_keeps_what_there_is() -> None:
    before, after = shuffled(TABLE, 1)
    assert (before + after).tolist() == [[3, 1]] * DRAWS
    assert before.sum(1).tolist() == [1] * DRAWS
    assert before[:, 1].mean() == pytest.approx(0.25, abs=0.05)


def test_draws_have_the_shares_of_the_table() -> None:
    before, after = drawn(TABLE, np.array([1.0, 1.0, 1.0, 1.0]), (4, 400))
    assert before.sum(1).tolist() == [4] * DRAWS
    assert after.sum(1).tolist() == [400] * DRAWS
    assert after[:, 1].mean() == pytest.approx(100, abs=2)
    assert after[:, 1].std() == pytest.approx(np.sqrt(400 * 0.25 * 0.75), rel=0.1)
