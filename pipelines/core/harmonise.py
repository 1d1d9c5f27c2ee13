"""Making core tables: the answers of each source, and what is made of them the same for every source.

What a select may leave out, and what stands there then, is in `answers`. The rows are judged afterwards, by the contract.
"""

from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.contracts.model import Contract
from pipelines.core.answers import answers, derived
from pipelines.core.plan import plan_core
from pipelines.machine.errors import CrampAtlasError
from pipelines.machine.quoting import literal
from pipelines.making.build import Built, Made, build
from pipelines.making.design import problems_of_design
from pipelines.making.engine import bind_select, engine
from pipelines.making.imputed import problems_of_imputations
from pipelines.making.selecting import as_promised, bound, use_in_order
from pipelines.project.project import Project
from pipelines.project.respondents import TEXT_OF, WEIGHTS
from pipelines.project.selects import ANSWERS, Select
from pipelines.project.sources import Source
from pipelines.store import Place
from pipelines.store.recipe import Plan

LARGEST_INTEGER = 2**31 - 1


def build_core(project: Project, place: Place) -> Built:
    """Bring one wave of a core table up to date and accept it, or keep the accepted one and say why."""
    return build(project, plan_core(project, place), "harmonisation", harmonised)


def harmonised(project: Project, plan: Plan) -> Made:
    """Run the select of one source over one wave; raises CrampAtlasError where it does not return what is promised."""
    place = plan.place
    source = project.sources[place.source]
    select = project.selects[f"{place.name}/{place.source}"]
    vocabulary = project.vocabularies.get(place.name)
    known = {"study.age_bands": project.study.age_bands.frame(), "meta.this_wave": this_wave(source, place.wave)}
    with bound(project, plan, select, known) as connection:
        text = completed(connection, select, vocabulary, project.contracts[place.name], source, known["study.age_bands"])
        schema = project.contracts[place.name].arrow_schema()
        made = Made(
            *use_in_order(project, connection, text, lambda rows: project.store.write(place, typed(select, rows, schema)))
        )
    if place.name == project.study.respondents and (source.design == "survey" or source.imputed):
        _require_design(project, source, select.name, project.store.path(place, made.content))
    return made


def _require_design(project: Project, source: Source, select: str, respondents: Path) -> None:
    """Raise CrampAtlasError where the respondents of a survey, or imputed values, cannot be estimated from."""
    with engine(project.settings, of_a_delivery=True) as connection:
        relation = f"read_parquet({literal(str(respondents))})"
        problems = []
        if source.design == "survey":
            problems += problems_of_design(connection, relation, source, sorted(source.columns_of_design & WEIGHTS), select)
        if source.imputed:
            problems += problems_of_imputations(connection, relation, source.imputed, select)
    if problems:
        raise CrampAtlasError(". ".join(problems))


def completed(
    connection: duckdb.DuckDBPyConnection,
    select: Select,
    vocabulary: Select | None,
    contract: Contract,
    source: Source,
    age_bands: pl.DataFrame,
) -> str:
    """The select of the rows of a core table in one wave of a source: its answers, and what is the same for every source.

    What the source's select reads must be readable on the connection. Raises CrampAtlasError where it, or the vocabulary, does
    not return the contract's columns.
    """
    relation = connection.sql(select.text)
    returned = dict(zip(relation.columns, map(str, relation.types), strict=True))
    text = answers(select, returned, contract, source, derived(vocabulary) if vocabulary else (), age_bands)
    if vocabulary is None:
        return text
    bind_select(connection, f"{ANSWERS}{contract.table}", text)
    problems = sorted(set(contract.column_types()) ^ set(connection.sql(vocabulary.text).columns))
    if problems:
        raise CrampAtlasError(f"{vocabulary.name} and the contract of {contract.name} differ in {', '.join(problems)}")
    return vocabulary.text


def typed(select: Select, rows: pa.RecordBatchReader, schema: pa.Schema) -> pa.RecordBatchReader:
    """The rows in the contract's types and order of columns; raises CrampAtlasError where a number does not fit."""
    return pa.RecordBatchReader.from_batches(schema, (_typed(select, batch, schema) for batch in rows))


def _typed(select: Select, batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([_cast(select, batch.column(field.name), field) for field in schema], schema=schema)


def _cast(select: Select, column: pa.Array, field: pa.Field) -> pa.Array:
    if field.name not in TEXT_OF:
        return as_promised(select.name, column, field)
    try:
        return column.cast(field.type)
    except pa.ArrowInvalid as error:
        raise CrampAtlasError(
            f"{select.name}: {field.name} holds a number that is not whole or beyond {LARGEST_INTEGER:,}. "
            f"Return it as text: cast(... as varchar) as {field.name}"
        ) from error


def this_wave(source: Source, wave: str) -> pl.DataFrame:
    """What a harmonising select may know of its wave: one row with its names.

    Top codes are applied after the select. `<variable>_top_code` is NULL, so that `least(x, x_top_code)` of a select from before
    is x, known or not.
    """
    top_codes = {f"{variable}_top_code": pl.Series([None], dtype=pl.Int32) for variable in source.top_codes()}
    return pl.DataFrame({"source": [source.source], "wave": [wave], "is_synthetic": [source.is_synthetic]} | top_codes)
