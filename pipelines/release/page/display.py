"""Tables as readers see them: formatted cells, headings, notes. How they become HTML, Word or CSV is said elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

GROUP = "group"
"""Key of the heading under which a row stands."""


@dataclass(frozen=True)
class Column:
    """A column of formatted cells; columns with the same `spanner` stand under one heading."""

    key: str
    label: str
    spanner: str | None = None
    is_text: bool = False


@dataclass(frozen=True)
class DisplayTable:
    """Rows of formatted cells by column key; the first column names the row. `footnotes` are (row, column key, text).

    `name` is unique on the page: a file name and an anchor.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, str]]
    notes: Sequence[str] = ()
    footnotes: Sequence[tuple[int, str, str]] = field(default=())

    @property
    def has_groups(self) -> bool:
        return any(row.get(GROUP) for row in self.rows)
