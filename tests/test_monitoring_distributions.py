"""The columns that drifted, in tenths of the reference and quantiles."""

import numpy as np
import pytest

from bentos.request_log import Row
from monitoring.distributions import Distribution, distributions_of
from tests.monitoring_rows import make_reference, make_rows
from tests.worded import judged

REFERENCE = make_reference()


def distributions(rows: list[Row]) -> dict[str, Distribution]:
    judgement, baseline = judged(rows, REFERENCE), REFERENCE.baseline
    found = distributions_of(
        judgement.statistics,
        baseline,
        judgement.tally.counts,
        REFERENCE.columns,
        judgement.tally.sample.columns,
    )
    return {one.column: one for one in found}


def test_a_number_is_told_in_tenths_of_the_reference() -> None:
    found = distributions(make_rows(500, 1, mean_length=5))["n_chars"]
    assert found.reference == pytest.approx([0.1] * 10, abs=0.02)
    lengths = REFERENCE.columns.numbers["n_chars"]
    assert found.bounds == pytest.approx(np.quantile(lengths, np.arange(1, 10) / 10), rel=0.05)
    assert sum(found.window) == pytest.approx(1)
    assert found.window[-1] > 0.3


def test_the_shares_are_those_of_the_rows() -> None:
    rows = make_rows(500, 1, mean_length=5)
    found = distributions(rows)["n_chars"]
    lengths = np.array([row["n_chars"] for row in rows])
    parts = np.bincount(np.searchsorted(found.bounds, lengths), minlength=10)
    assert found.window == pytest.approx(parts / 500)


def test_quantiles_are_values_of_both_sides() -> None:
    rows = make_rows(500, 1, mean_length=5)
    found = distributions(rows)["n_chars"].quantiles
    assert found["window"]["p50"] == np.quantile([row["n_chars"] for row in rows], 0.5, method="inverted_cdf")
    assert found["reference"]["p50"] < found["window"]["p50"]


def test_labels_have_a_share_each() -> None:
    found = distributions(make_rows(500, 1, share=0.9))["label"]
    assert (found.bounds, found.quantiles) == (["negative", "positive"], {})
    assert found.window[1] > 0.8 > found.reference[1]


def test_values_that_are_mostly_equal_have_fewer_parts() -> None:
    found = distributions(make_rows(500, 1, unk_rate=0.1))["unk_rate"]
    assert len(found.bounds) < 9
    assert len(found.window) == len(found.reference) == len(found.bounds) + 1
    assert sum(found.reference) == pytest.approx(1)


def test_what_has_not_drifted_is_not_told() -> None:
    assert distributions(make_rows(500, 1, mean_length=5)).keys() == {"n_chars", "n_tokens"}
