"""Making core tables: the rows of a select with every column that its contract promises, and what the select may leave out.

The rows themselves are judged afterwards, by the contract.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.model import Contract
from pipelines.core.plan import plan_core
from pipelines.machine.errors import CrampAtlasError
from pipelines.machine.quoting import literal
from pipelines.making.build import Built, Made, build
from pipelines.making.design import problems_of_design
from pipelines.making.engine import engine
from pipelines.making.selecting import selected
from pipelines.project.project import Project
from pipelines.project.respondents import AGE, AGE_BAND, DESIGN_COLUMNS, NOT_ASKED, REASON, WEIGHTS, columns_of_design
from pipelines.project.sources import Source
from pipelines.store import Place
from pipelines.store.recipe import Plan

MISSING = "missing"
"""The kind of what is unknown without anybody having said why."""

TEXT_OF = {"stratum": "stratum_text", "psu": "psu_text"}
"""Column of the design -> where it stands when the source's are text."""

LARGEST_INTEGER = 2**31 - 1


def build_core(project: Project, place: Place) -> Built:
    """Bring one wave of a core table up to date and accept it, or keep the accepted one and say why."""
    return build(project, plan_core(project, place), "harmonisation", harmonised)


def harmonised(project: Project, plan: Plan) -> Made:
    """Run the select of one source over one wave; raises CrampAtlasError where it does not return what is promised."""
    place = plan.place
    source = project.sources[place.source]
    select = project.selects[f"{place.name}/{place.source}"]
    known = {"study.age_bands": project.study.age_bands.frame(), "meta.this_wave": this_wave(source, place.wave)}
    with selected(project, plan, select, known) as reader:
        rows = completed(select.name, reader, project.contracts[place.name], source, project.study.age_bands.frame())
        made = Made(*project.store.write(place, rows))
    if place.name == project.study.respondents and source.design == "survey":
        _require_design(project, source, select.name, project.store.path(place, made.content))
    return made


def _require_design(project: Project, source: Source, select: str, respondents: Path) -> None:
    """Raise CrampAtlasError where the respondents of a survey cannot be estimated from."""
    with engine(project.settings) as connection:
        relation = f"read_parquet({literal(str(respondents))})"
        problems = problems_of_design(connection, relation, source, sorted(columns_of_design(source) & WEIGHTS), select)
    if problems:
        raise CrampAtlasError(". ".join(problems))


def completed(
    select: str, reader: pa.RecordBatchReader, contract: Contract, source: Source, age_bands: pl.DataFrame | None = None
) -> pa.RecordBatchReader:
    """The rows of `reader` with exactly the contract's columns, in its order and types, and what is the same for every source.

    A variable may be left out together with its `<variable>_missing`: it is NULL and 'not_asked'. So may the columns of designs
    that the source does not have: they are NULL. Declared top codes are applied here: what is above one becomes it, what is
    unknown stays so. Where the select returns `age_years`, `age_band` is the band of the study (`age_bands`: `age_band`,
    `lower_age` held, `upper_age` not held) that holds it. Text strata and PSUs go to `stratum_text` and `psu_text`.

    Raises CrampAtlasError with every other column that is missing or unknown, and where a number does not fit.
    """
    schema, returned = contract.arrow_schema(), reader.schema.names
    made = _made_here(reader.schema, schema.names, age_bands)
    problems = _problems(returned, schema.names, source, made)
    if problems:
        raise CrampAtlasError(f"{select} does not return the columns of {contract.name}: {'; '.join(problems)}")
    return pa.RecordBatchReader.from_batches(schema, _completed(select, reader, schema, source, age_bands))


def _made_here(returned: pa.Schema, promised: Sequence[str], age_bands: pl.DataFrame | None) -> frozenset[str]:
    """The columns that no select needs to return."""
    bands = {AGE_BAND} if age_bands is not None and AGE in returned.names else set()
    return frozenset({*TEXT_OF.values(), *bands} & set(promised))


def _completed(
    select: str, reader: pa.RecordBatchReader, schema: pa.Schema, source: Source, age_bands: pl.DataFrame | None
) -> Iterator[pa.RecordBatch]:
    for batch in reader:
        given = _with_texts(dict(zip(batch.schema.names, batch.columns, strict=True)), schema.names)
        columns = {field.name: _cast(select, given, field, batch.num_rows) for field in schema}
        columns = _top_coded(columns, source.top_codes())
        if age_bands is not None and AGE in given and AGE_BAND in columns:
            columns[AGE_BAND] = _bands(columns[AGE], age_bands).cast(schema.field(AGE_BAND).type)
        yield pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _with_texts(columns: dict[str, pa.Array], promised: Sequence[str]) -> dict[str, pa.Array]:
    """Strata and PSUs that are text stand in a column of their own."""
    for name, text in TEXT_OF.items():
        if name in columns and text in promised and text not in columns and _is_text(columns[name].type):
            columns = columns | {text: columns[name], name: pa.nulls(len(columns[name]))}
    return columns


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _top_coded(columns: dict[str, pa.Array], top_codes: Mapping[str, int]) -> dict[str, pa.Array]:
    """What is above a top code becomes it; what is unknown stays unknown, with a reason."""
    for name, code in top_codes.items():
        if name not in columns:
            continue
        values = columns[name]
        is_above = pc.fill_null(pc.greater(values, code), False)
        columns = columns | {name: pc.if_else(is_above, pa.scalar(code, values.type), values)}
        reason = columns.get(f"{name}{REASON}")
        if reason is not None:
            is_unexplained = pc.and_(pc.is_null(values), pc.is_null(reason))
            columns[f"{name}{REASON}"] = pc.if_else(is_unexplained, pa.scalar(MISSING, reason.type), reason)
    return columns


def _bands(ages: pa.Array, age_bands: pl.DataFrame) -> pa.Array:
    band = pa.nulls(len(ages), pa.string())
    for label, lower, upper in age_bands.select(AGE_BAND, "lower_age", "upper_age").iter_rows():
        inside = pc.and_(pc.greater_equal(ages, lower), pc.less(ages, upper))
        band = pc.if_else(pc.fill_null(inside, False), label, band)
    return band


def _cast(select: str, columns: Mapping[str, pa.Array], field: pa.Field, n: int) -> pa.Array:
    if field.name not in columns:
        return _left_out(field.name, n).cast(field.type)
    try:
        return columns[field.name].cast(field.type)
    except pa.ArrowInvalid as error:
        if field.name not in TEXT_OF:
            raise
        raise CrampAtlasError(
            f"{select}: {field.name} holds a number that is not whole or beyond {LARGEST_INTEGER:,}. "
            f"Return it as text: cast(... as varchar) as {field.name}"
        ) from error


def _left_out(name: str, n: int) -> pa.Array:
    return pa.repeat(pa.scalar(NOT_ASKED), n) if name.endswith(REASON) else pa.nulls(n)


def _problems(returned: Sequence[str], promised: Sequence[str], source: Source, made: Collection[str]) -> list[str]:
    problems = [f"{name} is no column of it" for name in returned if name not in promised]
    for name in promised:
        if name in returned or name in made or name in DESIGN_COLUMNS - columns_of_design(source):
            continue
        partner = name.removesuffix(REASON) if name.endswith(REASON) else f"{name}{REASON}"
        if name in columns_of_design(source):
            problems.append(f"{name} is left out, which the design of {source.source} ({source.design}) needs")
        elif partner not in promised:
            problems.append(f"{name} is left out")
        elif partner in returned:
            problems.append(f"{name} is left out, but {partner} is not: return both or neither")
    return problems


def this_wave(source: Source, wave: str) -> pl.DataFrame:
    """What a harmonising select may know of its wave: one row with its names.

    Top codes are applied after the select. `<variable>_top_code` is NULL, so that `least(x, x_top_code)` of a select from before
    is x, known or not.
    """
    top_codes = {f"{variable}_top_code": pl.Series([None], dtype=pl.Int32) for variable in source.top_codes()}
    return pl.DataFrame({"source": [source.source], "wave": [wave], "is_synthetic": [source.is_synthetic]} | top_codes)
