"""Made-up ratings of books: one of two genres is better, and some readers rate higher than others."""

from itertools import product

import pandas as pd

GENRES = ("romance", "horror")
READERS, BOOKS = 40, 24


def books() -> pd.DataFrame:
    """As many of each genre, in turn."""
    return pd.DataFrame(
        {
            "book_id": range(BOOKS),
            "title": [f"The {GENRES[i % 2]} number {i}" for i in range(BOOKS)],
            "authors": [f"Author {i % 5}" for i in range(BOOKS)],
            "genres": [GENRES[i % 2] for i in range(BOOKS)],
            "description": [None] * BOOKS,
        }
    )


def ratings() -> pd.DataFrame:
    """All readers rate all books: some rate higher, one genre is better, and a point of chance either way."""
    return pd.DataFrame(
        [
            {
                "user_id": 100 + user,
                "book_id": book,
                "rating": 4 + 3 * (user % 2) + 2 * (book % 2) + (user * 7 + book * 5) % 3 - 1,
            }
            for user, book in product(range(READERS), range(BOOKS))
        ]
    )
