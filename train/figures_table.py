"""Tables of figures for the terminal."""

from rich.table import Column, Table


def figures_table(first: str, *columns: str, title: str | None = None) -> Table:
    """An empty table of names, below `first`, with a figure in each of the columns."""
    return Table(first, *(Column(name, justify="right") for name in columns), title=title)
