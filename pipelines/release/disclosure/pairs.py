"""The model of a case-control source, whose only report rows are matched odds ratios.

The people of a row are those of whole matched sets, which the respondents do not say; so the atoms are made from the rows
themselves. An odds ratio of pairs is the ratio of the two kinds of discordant pairs, and so gives both away.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import scipy

from pipelines.project.respondents import FOUR_CELLS, POOLED
from pipelines.release.disclosure.atoms import IntArray
from pipelines.release.disclosure.model import ODDS_RATIOS, Model

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Row = dict[str, Any]

PAIRS = {
    "exposed_cases": ("both", "case_only"),
    "exposed_noncases": ("both", "control_only"),
    "unexposed_cases": ("control_only", "neither"),
    "unexposed_noncases": ("case_only", "neither"),
}
"""The four cells as sums of kinds of pairs, by who of the two is exposed."""

PAIR_KINDS = frozenset(kind for kinds in PAIRS.values() for kind in kinds)

SETS = {cell: (cell,) for cell in FOUR_CELLS}
"""The four cells of matched sets of other sizes: nothing more is known of them."""


def model_of_pairs(
    rows: pl.DataFrame, populations: Sequence[str], minimum: int, speaking: Mapping[int, int]
) -> tuple[Model, "csr_array"]:
    """The model of the matched rows of report.odds_ratios of one source, and links (links, atoms) between rows of one people.

    Hidden from the start are rows whose pairs do not follow from what is published, rows of pooled waves that are not the sum
    of their waves, those of fewer informative sets than may be published (`speaking`: row -> how many), and those of all
    populations but the first: populations may contain one another in a way that is not known.
    """
    kinds = {
        number: kinds_of_sets(row) for number, row in enumerate(rows.iter_rows(named=True)) if row["exposed_cases"] is not None
    }
    of_waves = {number: counted for number, counted in kinds.items() if rows["wave"][number] != POOLED}
    atoms: dict[tuple[int, str], int] = {}
    people: list[int] = []
    for number, counted in of_waves.items():
        for kind, n in counted.items():
            atoms[number, kind] = len(people)
            people.append(n)
    model = Model(minimum, np.array(people, dtype=np.float64))
    for number, counted in kinds.items():
        row = rows.row(number, named=True)
        parts = [number] if number in of_waves else _waves_of(rows, row, of_waves)
        members = {
            kind: np.array([atoms[part, kind] for part in parts if (part, kind) in atoms], dtype=np.int64) for kind in counted
        }
        few_speak = speaking.get(number, minimum) < minimum
        _add(model, number, row, counted, members, is_known=row["population"] == populations[0], few_speak=few_speak)
    return model, _links(rows, atoms, len(people))


def _links(rows: pl.DataFrame, atoms: Mapping[tuple[int, str], int], n_atoms: int) -> "csr_array":
    """Rows of one wave and population are about the same people, whatever the exposure: analysed and missing add up alike."""
    everybody: dict[int, dict[int, float]] = {}
    for (number, kind), atom in atoms.items():
        everybody.setdefault(number, {})[atom] = 2.0 if kind in PAIR_KINDS else 1.0
    firsts: dict[tuple[str, str], int] = {}
    links = []
    for number, people in everybody.items():
        first = firsts.setdefault((rows["wave"][number], rows["population"][number]), number)
        if first != number:
            link = everybody[first] | {atom: -n for atom, n in people.items()}
            links.append(scipy.sparse.csr_array((list(link.values()), ([0] * len(link), list(link))), shape=(1, n_atoms)))
    return scipy.sparse.vstack(links, format="csr") if links else scipy.sparse.csr_array((0, n_atoms))


def kinds_of_sets(row: Row) -> dict[str, int]:
    """Kinds of pairs, or the four cells, and `n_missing`; the people of a row are pairs where as many are cases as are not.

    The difference of the discordant pairs is that of the exposed, and their ratio the odds ratio. Where that does not settle
    them, as few as possible are taken to be discordant.
    """
    missing = {"n_missing": row["n_missing"]}
    if row["exposed_cases"] + row["unexposed_cases"] != row["exposed_noncases"] + row["unexposed_noncases"]:
        return {cell: row[cell] for cell in FOUR_CELLS} | missing
    difference = row["exposed_cases"] - row["exposed_noncases"]
    control_only = _control_only(row) or max(-difference, 0)
    case_only = control_only + difference
    both, neither = row["exposed_cases"] - case_only, row["unexposed_noncases"] - case_only
    return {"both": both, "case_only": case_only, "control_only": control_only, "neither": neither} | missing


def _control_only(row: Row) -> int | None:
    """Discordant pairs in which only the control is exposed, from the published numbers; None where they do not tell."""
    difference, ratio = row["exposed_cases"] - row["exposed_noncases"], row["odds_ratio"]
    if ratio is None or difference == 0:
        return None
    return round(float(difference / (ratio - 1)))


def _do_few_sets_speak(row: Row) -> bool:
    """Whether hardly any informative set speaks for one direction, or none: only then is there an exact interval, or no ratio."""
    return row["odds_ratio"] is None or row["odds_ratio_exact_lower"] is not None


def _waves_of(rows: pl.DataFrame, pooled: Row, of_waves: dict[int, dict[str, int]]) -> list[int]:
    key = ("population", "outcome", "exposure", "exposure_level", "model")
    return [number for number in of_waves if all(rows[name][number] == pooled[name] for name in key)]


def _add(
    model: Model,
    number: int,
    row: Row,
    counted: dict[str, int],
    members: dict[str, IntArray],
    *,
    is_known: bool,
    few_speak: bool,
) -> None:
    are_pairs = "both" in counted
    cells = {
        cell: np.sort(np.concatenate([members[kind] for kind in parts])) for cell, parts in (PAIRS if are_pairs else SETS).items()
    }
    small = [
        model.is_telling(cells[f"{group}_cases"], cells[f"{group}_noncases"])
        | model.is_telling(cells[f"{group}_noncases"], cells[f"{group}_cases"])
        for group in ("exposed", "unexposed")
    ]
    published = dict(cells)
    if are_pairs:
        discordant = {kind: members[kind] for kind in ("case_only", "control_only")}
        small += [model.is_telling(discordant["case_only"], discordant["control_only"])]
        small += [model.is_telling(discordant["control_only"], discordant["case_only"])]
        small += [model.is_few(members["both"]), model.is_few(members["neither"]), _control_only(row) is None]
        published |= discordant
    else:
        small += [few_speak or _do_few_sets_speak(row)]
    model.add(ODDS_RATIOS, number, "answers", published, row | counted, any(small) or not is_known)
    is_few = model.is_few(members["n_missing"])
    model.add(ODDS_RATIOS, number, "missing", {"n_missing": members["n_missing"]}, row, is_few or not is_known)
