"""A raw table with its codes looked up: what a select reads as `decoded.<table>`.

The lookups are plain SQL on the delivered types, so that they cost no join and run on any engine that runs the selects.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation

from pipelines.contracts.codebook import Code
from pipelines.contracts.columns import NUMERIC_TYPES, WHOLE_NUMBER_TYPES, Column
from pipelines.contracts.model import Contract
from pipelines.machine.errors import ConfigurationError
from pipelines.machine.quoting import identifier, literal
from pipelines.project.respondents import REASON
from pipelines.project.selects import CODE


def decoded(contract: Contract) -> str:
    """A select of the columns of `raw.<table>` and, of each coded one, `<column>_code` and `<column>_missing`.

    `<column>_code` is the code of the received value in the codebook, NULL where that is a kind of missing, which
    `<column>_missing` then is. Both are NULL where nothing was received. Raises ConfigurationError where a delivered column has
    one of these names already.
    """
    made = [part for column in _coded(contract) for part in _looked_up(contract, column)]
    taken = sorted({column.name for column in contract.columns} & {name for name, _ in made})
    if taken:
        raise ConfigurationError(
            f"decoded.{contract.table} cannot be read: {', '.join(taken)} is delivered. Join codebook.{contract.table} instead"
        )
    columns = ", ".join(["*", *(f"{expression} as {identifier(name)}" for name, expression in made)])
    return f"select {columns} from {contract.schema}.{identifier(contract.table)}"


def columns_decoded(contract: Contract) -> list[str]:
    """The columns of `decoded.<table>`."""
    return [*contract.column_types(), *(f"{column.name}{ending}" for column in _coded(contract) for ending in (CODE, REASON))]


def meanings(contract: Contract) -> dict[str, list[str]]:
    """Each `<column>_code` of `decoded.<table>`, in lower case -> the codes that it may hold."""
    codes = contract.codebook.codes if contract.codebook else ()
    return {
        f"{column.name}{CODE}".lower(): [
            code.code for code in codes if code.variable == _variable(column) and code.code and not code.kind_of_missing
        ]
        for column in _coded(contract)
    }


def _coded(contract: Contract) -> list[Column]:
    """The columns that the codebook has lines of, be it for what is missing only."""
    listed = contract.codebook.variables if contract.codebook else []
    return [column for column in contract.columns if _variable(column) in listed]


def _variable(column: Column) -> str:
    return column.codebook_variable or column.name


def _looked_up(contract: Contract, column: Column) -> Iterator[tuple[str, str]]:
    codes = [code for code in (contract.codebook.codes if contract.codebook else ()) if code.variable == _variable(column)]
    yield f"{column.name}{CODE}", _case(column, ((code, code.code) for code in codes if not code.kind_of_missing))
    yield f"{column.name}{REASON}", _case(column, ((code, code.kind_of_missing) for code in codes))


def _case(column: Column, lines: Iterable[tuple[Code, str | None]]) -> str:
    given = [(received, meaning) for code, meaning in lines if meaning and (received := _received(column, code.received))]
    if not given:
        return "cast(null as varchar)"
    looked_at = identifier(column.name) if column.type in NUMERIC_TYPES else f"cast({identifier(column.name)} as varchar)"
    return f"case {looked_at} {' '.join(f'when {received} then {literal(meaning)}' for received, meaning in given)} end"


def _received(column: Column, text: str) -> str | None:
    """A received value as the column holds it; None where the column cannot."""
    if column.type not in NUMERIC_TYPES:
        return literal(text)
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if column.type in WHOLE_NUMBER_TYPES:
        return str(int(number)) if number == number.to_integral_value() else None
    return f"cast({number} as {column.type.lower()})"
