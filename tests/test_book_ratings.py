"""Ratings and books as pairs of texts: what a row may know of itself and of held-out ratings."""

from pathlib import Path

import pandas as pd
import pytest

from bentos.task import load_task
from tests.ratings import books, ratings
from train.book_ratings import main, pairs, profile_text
from train.data import load_splits

TEXTS = ["profile", "book"]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pairs(ratings(), books())


def changed(table: pd.DataFrame, row: int) -> pd.DataFrame:
    """The pairs when the rating of one row had been quite another."""
    given = ratings()
    is_row = (given["user_id"] == table["user_id"][row]) & (given["book_id"] == table["book_id"][row])
    given.loc[is_row, "rating"] = 1 if table["rating"][row] > 5 else 10
    return pairs(given, books())


@pytest.mark.parametrize("split", ["test", "validation"])
def test_a_held_out_rating_is_in_no_text(table: pd.DataFrame, split: str) -> None:
    for row in table.index[table["split"] == split][:5]:
        assert changed(table, row)[TEXTS].equals(table[TEXTS])


def test_the_texts_of_a_training_row_do_not_know_its_rating(table: pd.DataFrame) -> None:
    for row in table.index[table["split"] == "train"][:5]:
        other = changed(table, row)
        assert other.loc[row, TEXTS].equals(table.loc[row, TEXTS])
        assert not other["profile"].equals(table["profile"])  # the reader's other rows do know it


def test_a_book_is_not_in_the_profile_that_it_is_held_against(table: pd.DataFrame) -> None:
    titles = books().set_index("book_id")["title"]
    assert not any(
        title in profile.replace(";", ".").split(". ")
        for title, profile in zip(titles[table["book_id"]], table["profile"], strict=True)
    )


def test_a_rating_stays_in_its_split_when_others_come(table: pd.DataFrame) -> None:
    fewer = pairs(ratings().sample(frac=0.5, random_state=1), books())
    both = fewer.merge(table, on=["user_id", "book_id"])
    assert len(both) == len(fewer)
    assert (both["split_x"] == both["split_y"]).all()


def test_each_reader_has_about_the_same_share_held_out(table: pd.DataFrame) -> None:
    assert table["split"].value_counts(normalize=True)["test"] == pytest.approx(0.15, abs=0.04)
    assert table[table["split"] == "test"]["user_id"].nunique() > 35


def test_a_profile_says_how_he_rates_and_what_he_likes() -> None:
    rated = [("Emma", 10.0), ("Persuasion", 9.0), ("Dracula", 3.0)]
    assert profile_text(rated, 7.4) == "Rates 74, 3 books. Likes: Emma; Persuasion. Not: Dracula."
    assert profile_text([], 7.8) == "Rates 78, 0 books."


def test_the_table_is_what_the_task_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ratings().to_csv(tmp_path / "ratings.csv", index=False)
    books().to_parquet(tmp_path / "books.parquet")
    out = str(tmp_path / "pairs.parquet")
    assert main([str(tmp_path / "ratings.csv"), str(tmp_path / "books.parquet"), out]) == 0
    assert "40 readers; rows: " in capsys.readouterr().out
    splits = load_splits(load_task("book-ratings", [f"train_file={out}"]))
    assert splits.report["rows_read"] == 960
    assert splits.report["unknown_label"] == 0
    assert set(splits.test.users) <= {str(100 + user) for user in range(40)}


def test_a_missing_column_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "books.parquet")
    books().to_parquet(path)
    assert main([path, path, str(tmp_path / "out.parquet")]) == 1
    assert "has no column 'user_id', 'rating'" in capsys.readouterr().err
