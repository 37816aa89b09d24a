"""`python -m train.book_ratings RATINGS BOOKS OUT`: ratings of books as pairs of texts, reader and book."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from train.sources import DataError, read_file, require_columns
from train.splits import hash64
from train.values import number

RATING_COLUMNS = ["user_id", "book_id", "rating"]
BOOK_COLUMNS = ["book_id", "title", "authors", "genres", "description"]
TEST, VALIDATION = 0.15, 0.10  # shares of each reader's ratings
WEIGHT = 5  # typical ratings that are added to each average: few ratings say little
LIKED, DISLIKED = 5, 2  # titles in a profile
GENRES = 6
DESCRIPTION = 200  # characters
Title = tuple[str, float]  # and the rating that the reader gave it


def main(argv: Sequence[str] | None = None) -> int:
    """Write the table that the task book-ratings learns from; a rating never stands in its own texts."""
    parser = argparse.ArgumentParser(prog="python -m train.book_ratings", description=main.__doc__)
    parser.add_argument("ratings", help=f"a file with the columns {', '.join(RATING_COLUMNS)}")
    parser.add_argument("books", help=f"a file with the columns {', '.join(BOOK_COLUMNS)}")
    parser.add_argument("out", type=Path, help="the Parquet file to write")
    arguments = parser.parse_args(argv)
    try:
        ratings = read_frame(arguments.ratings, RATING_COLUMNS)
        table = pairs(ratings, read_frame(arguments.books, BOOK_COLUMNS))
        table.to_parquet(arguments.out, index=False)
    except (DataError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    counts = table["split"].value_counts()
    told = ", ".join(f"{counts.get(name, 0):,} {name}" for name in ("train", "validation", "test"))
    print(f"{arguments.out}: {table['user_id'].nunique():,} readers; rows: {told}")
    return 0


def read_frame(path: str, columns: list[str]) -> pd.DataFrame:
    """These columns of a file, ids as text, so that files of all kinds fit together; raises DataError."""
    table = read_file(path)
    require_columns(table, columns, path)
    frame = pd.DataFrame({name: table[name] for name in columns})
    if "rating" in frame:
        frame["rating"] = [number(one) for one in frame["rating"]]
    return frame.astype({name: str for name in columns if name.endswith("_id")})


def pairs(ratings: pd.DataFrame, books: pd.DataFrame) -> pd.DataFrame:
    """A row for each rating of a known book: user_id, book_id, profile, book, rating, split.

    The texts are made of training ratings alone, a training row's without its own rating. So a held-out
    rating is in no text, and no row's texts know its label.
    """
    once = ratings.dropna(subset="rating").drop_duplicates(["user_id", "book_id"], keep="last")
    table = once.merge(books, on="book_id").astype({"rating": float})
    places = [hash64(f"{u} {b}") / 2**64 for u, b in zip(table["user_id"], table["book_id"], strict=True)]
    table["split"] = [split_of(place) for place in places]
    table = with_averages(table)
    table["profile"] = profiles(table)
    table["book"] = [book_text(row, row["book average"], row["book n"]) for row in records(table)]
    return table[["user_id", "book_id", "profile", "book", "rating", "split"]]


def with_averages(table: pd.DataFrame) -> pd.DataFrame:
    """How others rate the book, how its reader rates, and of how many ratings each is known.

    Each is drawn towards the typical rating.
    """
    train = table["split"] == "train"
    typical = table["rating"][train].median()
    for side in ("book", "user"):
        above, n = others(table["rating"] - typical, train, table[f"{side}_id"])
        table[f"{side} n"], table[f"{side} average"] = n, typical + above / (n + WEIGHT)
    return table


def others(values: pd.Series, train: pd.Series, groups: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Sum and number of the training values in each row's group, its own left out."""
    known, n = values.where(train, 0.0), train.astype(int)
    return known.groupby(groups).transform("sum") - known, n.groupby(groups).transform("sum") - n


def split_of(place: float) -> str:
    """By a hash of reader and book: a rating stays in its split when others come."""
    return "test" if place < TEST else "validation" if place < TEST + VALIDATION else "train"


def profiles(table: pd.DataFrame) -> list[str]:
    """The profile of each row's reader, without the row's own book."""
    train = table[table["split"] == "train"]
    known = {
        user: sorted(zip(rows["title"], rows["rating"], rows["book_id"], strict=True), key=lambda t: -t[1])
        for user, rows in train.groupby("user_id")
    }
    return [
        profile_text(
            [
                (title, rating)
                for title, rating, book in known.get(row["user_id"], [])
                if book != row["book_id"]
            ],
            row["user average"],
        )
        for row in records(table)
    ]


def profile_text(titles: Sequence[Title], average: float) -> str:
    """How a reader rates (1 to 10, here out of 100), the titles that he rated best, and those he disliked.

    `titles` come best first.
    """
    liked = [title for title, rating in titles if rating >= average][:LIKED]
    disliked = [title for title, rating in titles[::-1] if rating < average][:DISLIKED]
    parts = [f"Rates {10 * average:.0f}, {len(titles)} books."]
    parts += [f"{word}: {'; '.join(some)}." for word, some in (("Likes", liked), ("Not", disliked)) if some]
    return " ".join(parts)


def book_text(book: dict[str, Any], average: float, n_ratings: int) -> str:
    """How others rate a book (out of 100), title, authors, genres and the beginning of its description."""
    genres = [genre.replace("-", " ") for genre in text(book["genres"]).split(", ") if genre]
    about = [f"{text(book['title'])} by {text(book['authors']) or 'unknown'}.", ", ".join(genres[:GENRES])]
    return " ".join(
        [f"Rated {10 * average:.0f}, {n_ratings} readers.", *about, text(book["description"])[:DESCRIPTION]]
    ).strip()


def text(value: object) -> str:
    """The value as text, nothing for a missing one."""
    return "" if value is None or value != value else str(value)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return table.to_dict("records")  # type: ignore[return-value]


if __name__ == "__main__":
    sys.exit(main())
