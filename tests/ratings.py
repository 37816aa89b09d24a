"""Made-up ratings of books: readers like one of two genres, and some rate higher than others."""

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
    """All readers rate all books: 9 where the genre is theirs, else 3, some of them one less."""
    return pd.DataFrame(
        [
            {
                "user_id": 100 + user,
                "book_id": book,
                "rating": (9 if (user + book) % 2 == 0 else 3) - user % 3 // 2,
            }
            for user, book in product(range(READERS), range(BOOKS))
        ]
    )
