"""Great Expectations over DuckDB, which it does not know: a datasource and an engine of our own.

Great Expectations takes seconds to import, so it is imported here, on first use, and nowhere else.
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pipelines.machine.disk import OUT_OF_MEMORY, fault_said, machine_fault, no_space, tells_of_it
from pipelines.machine.quoting import literal
from pipelines.machine.settings import Settings

OF_THE_MACHINE = ("Out of Memory Error: ", "IO Error: ")
"""How DuckDB's errors begin that say nothing about a check."""

IN_MEMORY = "duckdb:///:memory:"


@dataclass(frozen=True)
class GreatExpectations:
    """What is used of the library, once it is imported."""

    get_context: Any
    in_memory_config: Any
    ExpectationSuite: Any
    get_expectation_impl: Any
    derived_once: Any


@contextmanager
def parquet_batch(parquet: Path, settings: Settings | None = None) -> Iterator[tuple[GreatExpectations, Any]]:
    """The library and a batch over one Parquet file, read by a DuckDB in memory that is closed at the end.

    With settings it holds no more than they say of work on deliveries, and spills.

    Nothing is written, no progress is shown, nothing is logged (logs of failed queries hold values), nothing is sent.
    """
    library = great_expectations()
    context = library.get_context(mode="ephemeral", project_config=library.in_memory_config())
    datasource = context.data_sources.add_duckdb(name="parquet", connection_string=IN_MEMORY)
    try:
        with datasource.get_execution_engine().get_connection() as connection:
            if settings:
                _bound(connection, settings)
            _confine(connection, parquet)
        # The query becomes SQLAlchemy text, where a colon would name a parameter.
        query = f"select * from read_parquet({literal(str(parquet))})".replace(":", r"\:")
        asset = datasource.add_query_asset(name="object", query=query)
        yield library, asset.add_batch_definition_whole_table("all").get_batch()
    finally:
        engine = datasource.get_execution_engine()
        if engine._connection is not None:
            engine._connection.close()
        engine.engine.dispose()
        datasource.get_engine().dispose()


def _bound(connection: Any, settings: Settings) -> None:
    connection.exec_driver_sql(f"set memory_limit = {literal(settings.delivery_memory_limit)}")
    connection.exec_driver_sql(f"set temp_directory = {literal(str(settings.warehouse_folder / 'spill'))}")


def _confine(connection: Any, parquet: Path) -> None:
    """What an author writes into a rule reads this file, and no other, and says the same on every machine."""
    for setting in (
        "TimeZone = 'UTC'",
        f"allowed_paths = [{literal(str(parquet))}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.exec_driver_sql(f"set {setting}")


@cache
def great_expectations() -> GreatExpectations:
    """Import Great Expectations and teach it DuckDB; the second call costs nothing."""
    _silence(logging.getLogger("great_expectations"))
    with _no_spark():
        import great_expectations as gx
    import sqlalchemy.dialects.postgresql
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults, ProgressBarsConfig
    from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
    from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
    from great_expectations.expectations.registry import get_expectation_impl

    class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
        """Keeps one connection: a DuckDB result is gone with the connection it came from. Queries share no transaction, so that
        one that fails spoils no other.
        """

        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **settings)
            # Regular expressions go through PostgreSQL's ~ and !~, which DuckDB has as well.
            self.dialect_module = sqlalchemy.dialects.postgresql

        @contextmanager
        def get_connection(self) -> Iterator[Any]:
            if not self._connection:
                self._connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            yield self._connection

    from pipelines.contracts.duckdb_uniqueness import count_by_grouping

    count_by_grouping(DuckDBExecutionEngine)
    from pipelines.contracts.derived_once import derived_once, teach

    teach()

    class DuckDBDatasource(SQLDatasource):
        """Registers itself with the library as `data_sources.add_duckdb`."""

        type: Literal["duckdb"] = "duckdb"  # type: ignore[assignment]

        @property
        def execution_engine_type(self) -> Any:
            return DuckDBExecutionEngine

    def in_memory_config() -> Any:
        """Without the site that the library would otherwise make in a temporary folder for each context."""
        return DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            progress_bars=ProgressBarsConfig(globally=False),
            analytics_enabled=False,
        )

    return GreatExpectations(gx.get_context, in_memory_config, gx.ExpectationSuite, get_expectation_impl, derived_once)


@contextmanager
def _no_spark() -> Iterator[None]:
    """Hide the client of Spark, which the library would import and does not need.

    Where no whole Spark is installed, what it imports of it may end the process.
    """
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "pyspark"}
    sys.modules["pyspark"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["pyspark"]
        sys.modules.update(hidden)


def _silence(logger: logging.Logger) -> None:
    """Modules of the library set levels of their own, so its records are stopped on their way up instead."""
    logger.propagate = False
    logger.addHandler(logging.NullHandler())


def validate(
    parquet: Path, checks: Mapping[str, tuple[str, Mapping[str, Any]]], settings: Settings | None = None
) -> dict[str, Mapping[str, Any] | str]:
    """Run checks (id -> expectation and its arguments) over a Parquet file in one call.

    Returns id -> Great Expectations' `result` with `success` added, or the reason why the check could not run. No values
    of the data are asked for, and none of the library's texts, which may hold some, is handed on as it is.
    """
    with parquet_batch(parquet, settings) as (library, batch):
        expectations, outcome = [], dict[str, Mapping[str, Any] | str]()
        for check, (name, arguments) in checks.items():
            try:
                expectations.append(library.get_expectation_impl(name)(**arguments, meta={"check": check}))
            except Exception as error:  # whatever an author's check raises belongs to that check
                outcome[check] = f"{name} cannot be made ({type(error).__name__}): correct its name or arguments in the contract"
        if not expectations:
            return outcome
        suite = library.ExpectationSuite(name="contract", expectations=expectations)
        with library.derived_once():
            results = batch.validate(suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 0})
        for result in results.results:
            check = result.expectation_config.meta["check"]
            raised = _reason(result.exception_info, parquet)
            outcome[check] = raised or {**result.result, "success": bool(result.success)}
        return outcome


def _reason(exception_info: Mapping[str, Any] | None, parquet: Path) -> str | None:
    """Why a check raised, from the library's two shapes of exception information; None where it did not.

    Raises NoSpace or MachineFault where it was not the check that failed.
    """
    if not exception_info:
        return None
    parts = [exception_info] if "raised_exception" in exception_info else list(exception_info.values())
    raised = [part for part in parts if part.get("raised_exception")]
    if not raised:
        return None
    # Errors of these kinds come before any row is read and speak of the query only.
    texts = "\n".join(f"{part.get('exception_message')}\n{part.get('exception_traceback')}" for part in raised)
    if any(kind in texts for kind in OF_THE_MACHINE):
        if tells_of_it(texts):
            raise no_space(parquet.parent)
        raise machine_fault(fault_said(texts) or (OUT_OF_MEMORY if OF_THE_MACHINE[0] in texts else "an I/O error of DuckDB"))
    for kind in ("Binder Error: ", "Catalog Error: ", "Parser Error: "):
        if kind in texts:
            return f"the check cannot run: {kind}{texts.split(kind, 1)[1].splitlines()[0].strip()}"
    return "the check raised an error while it ran (not shown, because it may hold values): run its query by hand"
