"""The answers of one source as SQL: what its select returns, with every column that the table promises.

What is derived from answers for all sources alike stands in `sql/core/<table>.sql`, which reads them as `answers.<table>`.
"""

from collections.abc import Collection, Mapping, Sequence

import polars as pl

from pipelines.contracts.model import Contract
from pipelines.machine.errors import CrampAtlasError
from pipelines.machine.quoting import identifier, literal
from pipelines.project.ages import follows, group_of_age
from pipelines.project.respondents import (
    AGE_BAND,
    DESIGN_COLUMNS,
    IMPUTED,
    MISSING,
    NOT_ASKED,
    POPULATION,
    REASON,
    REPLICATES_OF,
    TEXT_OF,
)
from pipelines.project.selects import Select, made_of_answers
from pipelines.project.sources import Source

TEXTS = ("VARCHAR", "ENUM")
"""Begins the name of a type of text in DuckDB."""


def derived(vocabulary: Select) -> frozenset[str]:
    """The columns that are made of the answers, or of the wave, and that no select needs to return."""
    return frozenset(
        name
        for name, made_of in made_of_answers(vocabulary).items()
        if not made_of or made_of - {name, name.removesuffix(REASON)}
    )


def answers(
    select: Select,
    returned: Mapping[str, str],
    contract: Contract,
    source: Source,
    derived: Collection[str],
    age_bands: pl.DataFrame,
) -> str:
    """A select around that of a source, with exactly the contract's columns. `returned`: column -> its type in DuckDB.

    A variable that the select leaves out is NULL and 'not_asked', a column of a design that the source does not have NULL. So
    is the reason of a variable that is returned without one. What is above a declared top code becomes it; what is unknown
    stays so. Who returns `age_years` has `age_band` by it (`age_bands`: `age_band`, `lower_age` held, `upper_age` not held).
    Strata and PSUs that are text stand in `stratum_text` and `psu_text`. `derived` are the columns that are made of
    the answers. Raises CrampAtlasError with every other column that is missing or unknown.
    """
    promised = contract.column_types()
    bands = {
        band: group_of_age(identifier(age), age_bands.select(AGE_BAND, "lower_age", "upper_age").iter_rows())
        for band, age in follows(returned).items()
        if band in promised
    }
    problems = _problems(list(returned), list(promised), source, {*derived, *bands})
    problems += [
        f"{name} is text, for which it has no column: add {its_text} (VARCHAR), or return {name} as a number"
        for name, its_text in TEXT_OF.items()
        if returned.get(name, "").startswith(TEXTS) and its_text not in promised
    ]
    if problems:
        raise CrampAtlasError(f"{select.name} does not return the columns of {contract.name}: {'; '.join(problems)}")
    columns = ", ".join(
        f"{bands.get(name) or _column(name, kind, returned, source)} as {identifier(name)}" for name, kind in promised.items()
    )
    return f"select {columns} from (\n{select.text.rstrip().rstrip(';')}\n) as answered"


def _column(name: str, kind: str, returned: Mapping[str, str], source: Source) -> str:
    if name in TEXT_OF.values() and name not in returned:
        name = next(column for column, its_text in TEXT_OF.items() if its_text == name)
        return identifier(name) if returned.get(name, "").startswith(TEXTS) else _null(kind)
    if name not in returned:
        is_unasked = name.endswith(REASON) and name.removesuffix(REASON) not in returned
        return literal(NOT_ASKED) if is_unasked else _null(kind)
    if name in TEXT_OF and returned[name].startswith(TEXTS):
        return _null(kind)
    return _top_coded(name, returned, source.top_codes())


def _top_coded(name: str, returned: Mapping[str, str], top_codes: Mapping[str, int]) -> str:
    column, variable = identifier(name), name.removesuffix(REASON)
    if name.endswith(IMPUTED) and name.removesuffix(IMPUTED) in top_codes:
        code = top_codes[name.removesuffix(IMPUTED)]
        return f"list_transform({column}, lambda x: case when x > {code} then {code} else x end)"
    if name in top_codes:
        return f"case when {column} > {top_codes[name]} then {top_codes[name]} else {column} end"
    if name.endswith(REASON) and variable in top_codes and variable in returned:
        return f"case when {identifier(variable)} is null then coalesce({column}, {literal(MISSING)}) end"
    return column


def _null(kind: str) -> str:
    return f"cast(null as {kind.lower()})"


def _problems(returned: Sequence[str], promised: Sequence[str], source: Source, derived: Collection[str]) -> list[str]:
    problems = [f"{name} is no column of it" for name in returned if name not in promised]
    needed, absent = source.columns_of_design, DESIGN_COLUMNS - source.columns_of_design
    if source.design == "survey":
        unused = {*TEXT_OF, POPULATION, *REPLICATES_OF.values()} - needed
        problems += [f"{name} is returned, and by {source.file} the design has none" for name in returned if name in unused]
    imputed = {f"{name}{IMPUTED}" for name in (source.imputed.variables if source.imputed else ())}
    problems += [f"{name} is left out, and {source.file} has it imputed" for name in sorted(imputed - set(returned))]
    lists = {name for name in promised if name.endswith(IMPUTED) and name.removesuffix(IMPUTED) in promised}
    problems += [f"{name} is returned, and {source.file} names no such variable" for name in returned if name in lists - imputed]
    for name in promised:
        if name in lists or name in returned or name in derived or name in absent or name in TEXT_OF.values():
            continue
        partner = name.removesuffix(REASON) if name.endswith(REASON) else f"{name}{REASON}"
        if name in needed:
            problems.append(f"{name} is left out, which the design of {source.source} ({source.design}) needs")
        elif partner not in promised:
            problems.append(f"{name} is left out")
        elif partner in returned and not name.endswith(REASON):
            problems.append(f"{name} is left out, but {partner} is not: return both or neither")
    return problems
