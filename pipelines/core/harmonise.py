"""Making core tables: the rows of a select with every column that its contract promises, and what the select may leave out.

The rows themselves are judged afterwards, by the contract.
"""

from collections.abc import Iterator, Sequence

import polars as pl
import pyarrow as pa

from pipelines.contracts.model import Contract
from pipelines.core.plan import plan_core
from pipelines.machine.errors import CrampAtlasError
from pipelines.making.build import Built, Made, build
from pipelines.making.selecting import selected
from pipelines.project.project import Project
from pipelines.project.respondents import DESIGN_COLUMNS, NOT_ASKED, REASON, columns_of_design
from pipelines.project.sources import Source
from pipelines.store import Place
from pipelines.store.recipe import Plan


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
        return Made(*project.store.write(place, completed(select.name, reader, project.contracts[place.name], source)))


def completed(select: str, reader: pa.RecordBatchReader, contract: Contract, source: Source) -> pa.RecordBatchReader:
    """The rows of `reader` with exactly the contract's columns, in its order and types.

    A variable may be left out together with its `<variable>_missing`: it is NULL and 'not_asked'. So may the columns of designs
    that the source does not have: they are NULL. Raises CrampAtlasError with every other column that is missing or unknown.
    """
    schema, returned = contract.arrow_schema(), reader.schema.names
    problems = _problems(returned, schema.names, source)
    if problems:
        raise CrampAtlasError(f"{select} does not return the columns of {contract.name}: {'; '.join(problems)}")
    return pa.RecordBatchReader.from_batches(schema, _completed(reader, schema))


def _completed(reader: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    returned = set(reader.schema.names)
    for batch in reader:
        columns = [
            (batch.column(field.name) if field.name in returned else _left_out(field.name, batch.num_rows)).cast(field.type)
            for field in schema
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _left_out(name: str, n: int) -> pa.Array:
    return pa.repeat(pa.scalar(NOT_ASKED), n) if name.endswith(REASON) else pa.nulls(n)


def _problems(returned: Sequence[str], promised: Sequence[str], source: Source) -> list[str]:
    problems = [f"{name} is no column of it" for name in returned if name not in promised]
    for name in promised:
        if name in returned or name in DESIGN_COLUMNS - columns_of_design(source):
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
    """What a harmonising select may know of its wave: one row with its names and `<variable>_top_code` columns."""
    top_codes = {f"{variable}_top_code": [code] for variable, code in source.top_codes().items()}
    frame = pl.DataFrame({"source": [source.source], "wave": [wave], "is_synthetic": [source.is_synthetic]} | top_codes)
    return frame.with_columns(pl.col(pl.Int64).cast(pl.Int32))
