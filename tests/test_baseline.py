"""The bag of words."""

from pathlib import Path

from tests.labelled import load, rows
from train.baseline import tfidf_baseline


def test_the_baseline_learns_what_words_tell(tmp_path: Path) -> None:
    result = tfidf_baseline(load(tmp_path, rows()), 2)
    assert result["accuracy"] == result["macro_f1"] == 1.0
    assert 10 < result["n"] < 50
