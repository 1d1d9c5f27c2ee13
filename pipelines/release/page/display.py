"""Tables as readers see them: formatted cells, headings, notes. How they become HTML, Word or CSV is said elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

LETTERS = "abcdefghijklmnopqrstuvwxyz"

GROUP = "group"
"""Key of the heading under which a row stands."""


@dataclass(frozen=True)
class DisplayColumn:
    """A column of formatted cells; columns with the same `spanner` stand under one heading."""

    key: str
    label: str
    spanner: str | None = None
    is_text: bool = False


@dataclass(frozen=True)
class DisplayTable:
    """Rows of formatted cells by column key; the first column names the row. `footnotes` are (row, column key, text).

    `name` is unique on the page: a file name and an anchor. `about` says of whom and of which source the table is, and whether
    that is synthetic: it belongs to the title wherever the table stands. `links`: of a cell, by (row, column key), the parts of
    the page that it names: (anchor, words).
    """

    name: str
    title: str
    columns: Sequence[DisplayColumn]
    rows: Sequence[Mapping[str, str]]
    notes: Sequence[str] = ()
    footnotes: Sequence[tuple[int, str, str]] = field(default=())
    about: str = ""
    links: Mapping[tuple[int, str], Sequence[tuple[str, str]]] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """Title and what it is about in one line."""
        return f"{self.title} – {self.about}" if self.about else self.title

    @property
    def has_groups(self) -> bool:
        return any(row.get(GROUP) for row in self.rows)


def marks(table: DisplayTable) -> dict[str, str]:
    """Text of a footnote -> its mark: a, b, ..., z, aa, bb, ..."""
    texts = dict.fromkeys(text for _, _, text in table.footnotes)
    return {text: LETTERS[i % len(LETTERS)] * (i // len(LETTERS) + 1) for i, text in enumerate(texts)}
