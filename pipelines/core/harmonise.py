"""The rows of a select with every column that its contract promises: what the select may leave out, and what stands there.

The rows themselves are judged afterwards, by the contract.
"""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from pipelines.contracts.model import Contract
from pipelines.machine.errors import CrampAtlasError
from pipelines.project.respondents import DESIGN_COLUMNS, NOT_ASKED, REASON, columns_of_design
from pipelines.project.sources import Source


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
