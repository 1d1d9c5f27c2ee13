"""Contracts as the pipeline uses them, read from `data_contracts/<schema>/<table>.odcs.yaml` and its codebook.

The path is the table: folder, file, `id` and table name must agree. Everything wrong with the files is reported together.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import polars as pl
import pyarrow as pa

from pipelines.contracts.codebook import Code, Codebook
from pipelines.contracts.columns import ARROW_TYPES, Column
from pipelines.contracts.comparability import Comparability
from pipelines.contracts.odcs import MAX_SHARE_SET_ASIDE, read_contract
from pipelines.contracts.rules import Rule
from pipelines.contracts.yaml_source import ContractError

__all__ = ["Code", "Codebook", "Column", "Contract", "ContractError", "Rule", "load_contract", "load_contracts"]

SUFFIX = ".odcs.yaml"
NOT_SCHEMAS = frozenset({"codebooks", "evidence", "sources"})
"""Folders of data_contracts that hold no contracts."""


FOR_READERS = frozenset(
    {"description", "question", "version", "title", "purpose", "usage", "links", "owners", "no_key_because", "comparability"}
    | {"digest", "codebook", "label", "levels"}
)
"""Fields of contracts and columns by which nothing is made or judged, or that are ingredients of their own."""


@dataclass(frozen=True)
class Contract:
    """What one table promises: its columns in order, its rules, and what its codes mean.

    `digest` changes with any edit of the file's content or its codebook, but for the `team`.
    `owners` are e-mail addresses and `team:<name>`, as Dagster writes them.
    `comparability` holds the verdicts on waves that stand in the contract. A delivery with more than `max_share_set_aside` of
    its records set aside is rejected. `left_out` are columns that may be delivered and are not taken in. `links` are (type,
    URL); a table without a key says why in `no_key_because`.
    """

    schema: str
    table: str
    description: str
    version: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    codebook: Codebook | None
    digest: str
    comparability: tuple[Comparability, ...] = ()
    max_share_set_aside: float = MAX_SHARE_SET_ASIDE
    title: str = ""
    purpose: str = ""
    usage: str = ""
    links: tuple[tuple[str, str], ...] = ()
    no_key_because: str | None = None
    owners: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`schema.table`."""
        return f"{self.schema}.{self.table}"

    @property
    def key(self) -> list[str]:
        """The columns of the primary key, in its order; empty where the table has none."""
        keyed = [column for column in self.columns if column.key_position is not None]
        return [column.name for column in sorted(keyed, key=lambda column: column.key_position or 0)]

    def column(self, name: str) -> Column:
        """One column; raises KeyError where the contract has none of that name."""
        return {column.name: column for column in self.columns}[name]

    def column_types(self) -> dict[str, str]:
        """Column -> DuckDB type, in order."""
        return {column.name: column.type for column in self.columns}

    def arrow_schema(self) -> pa.Schema:
        """The Parquet schema: exact types, with `description` and `unit` as metadata of the fields.

        Every field is nullable, because a table that breaks `required` must be written before it can be judged.
        """
        fields = []
        for column in self.columns:
            metadata = {"description": column.description} | ({"unit": column.unit} if column.unit else {})
            fields.append(pa.field(column.name, ARROW_TYPES[column.type], metadata=metadata))
        return pa.schema(fields, metadata={"description": self.description})

    def codebook_frame(self) -> pl.DataFrame:
        """The codebook as SQL sees it under `codebook.<table>`; raises ContractError where the table has none."""
        if self.codebook is None:
            raise ContractError([f"{self.name} has no codebook: add data_contracts/codebooks/{self.table}.csv."])
        return self.codebook.frame()

    @cached_property
    def digest_of_demands(self) -> str:
        """SHA-256 of what is demanded of the table: changes with everything but the words, links and owners for readers."""
        demands = {name: value for name, value in asdict(replace(self, codebook=None)).items() if name not in FOR_READERS}
        columns = [{name: value for name, value in column.items() if name not in FOR_READERS} for column in demands["columns"]]
        return hashlib.sha256(json.dumps(demands | {"columns": columns}, sort_keys=True, default=str).encode()).hexdigest()

    @property
    def codebook_digest(self) -> str:
        """SHA-256 of the codebook's lines; that of no lines where there is no codebook."""
        return self.codebook.digest if self.codebook else hashlib.sha256(b"[]").hexdigest()


def load_contracts(data_contracts: Path) -> dict[str, Contract]:
    """Read every contract under the folder, by `schema.table`.

    Raises ContractError with every problem in every file: a wrong place or name, an unknown field, metric or codebook
    variable, a value that does not fit, each with file, line and field.
    """
    if not data_contracts.is_dir():
        raise ContractError([f"{data_contracts} does not exist: it holds the contracts of the project."])
    problems: list[str] = []
    contracts: dict[str, Contract] = {}
    for folder in sorted(path for path in data_contracts.iterdir() if path.is_dir() and path.name not in NOT_SCHEMAS):
        for path in sorted(folder.iterdir()):
            if path.name.startswith("."):
                continue
            if not path.name.endswith(SUFFIX):
                problems.append(f"{path}: not a contract. A contract is named <table>{SUFFIX}; move anything else away.")
                continue
            try:
                contract = load_contract(path, data_contracts / "codebooks")
                contracts[contract.name] = contract
            except ContractError as error:
                problems += error.problems
    if not problems:
        tables = {contract.table for contract in contracts.values()}
        problems = [
            f"{path}: no contract of a table {path.stem}. Name the codebook after its table."
            for path in sorted((data_contracts / "codebooks").glob("*.csv"))
            if path.stem not in tables
        ]
    if problems:
        raise ContractError(problems)
    return contracts


def load_contract(path: Path, codebooks: Path) -> Contract:
    """Read one contract and, where `codebooks` has a file of its table, its codebook; raises ContractError."""
    schema, table = path.parent.name, path.name.removesuffix(SUFFIX)
    parts = read_contract(path, schema, table, codebooks / f"{table}.csv")
    promised = {name: value for name, value in parts.content.items() if name != "team"}
    canonical = json.dumps(promised, sort_keys=True, default=str, separators=(",", ":"))
    codebook_digest = parts.codebook.digest if parts.codebook else ""
    return Contract(
        schema=schema,
        table=table,
        description=parts.description,
        version=parts.version,
        columns=parts.columns,
        rules=parts.rules,
        codebook=parts.codebook,
        digest=hashlib.sha256(f"{canonical}\n{codebook_digest}".encode()).hexdigest(),
        comparability=parts.comparability,
        max_share_set_aside=parts.max_share_set_aside,
        title=parts.title,
        purpose=parts.purpose,
        usage=parts.usage,
        links=parts.links,
        no_key_because=parts.no_key_because,
        owners=parts.owners,
        left_out=parts.left_out,
    )
