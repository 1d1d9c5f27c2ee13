"""A server of Spark Connect as the engine: Apache Spark, Databricks or Sail does the work that DuckDB has planned.

DuckDB binds every select first, on this machine and without reading a row: it says which columns of which types come out, and
refuses what it refuses on one machine too. The server reads the same Parquet objects of the store and sends rows back, which are
brought into these types. What the server keeps is views of one session, which end with it.
"""

import importlib.util
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from pipelines.machine.errors import CrampAtlasError, MachineFault
from pipelines.machine.quoting import literal
from pipelines.machine.settings import Settings
from pipelines.making.lending import lender
from pipelines.making.ordering import BATCH_ROWS
from pipelines.making.portable import DUCKDB, SPARK, carried, traps

EXTRA = "pip install 'cramp-atlas[spark]'"

TRIES = 4
FIRST_WAIT_MS, LONGEST_WAIT_MS = 200, 3_000
"""How often a server that does not answer is asked again, and how long after: some seconds, then the night has failed."""

OF_THE_SELECT = frozenset(
    {
        "AnalysisException",
        "ArithmeticException",
        "ArrayIndexOutOfBoundsException",
        "DateTimeException",
        "IllegalArgumentException",
        "NumberFormatException",
        "ParseException",
        "UnsupportedOperationException",
    }
)
"""Errors of Spark that say something of a select or of what it read, as long as the session is still there."""

AT_RUN_TIME = "SparkRuntimeException"
OF_A_ROW = ("Cast error", "Divide by zero", "Arithmetic overflow")
"""How such errors of Sail begin or what they hold where a value does not do; others of that name are the server's own."""

MARK = "cramp_atlas_session"
"""A view that says whether a session is the one in which everything was bound."""

LATER = "nothing was judged by it, readers keep the last release, and the next night tries again"


class Server:
    """One session on the server, for the selects of one connection of DuckDB that has everything bound."""

    def __init__(self, planner: duckdb.DuckDBPyConnection, session: Any, lend: Callable[[Path], str]) -> None:
        """`lend` says where the server finds an object of the store."""
        self._planner = planner
        self._session = session
        self._lend = lend
        self._bound: dict[str, str] = {}
        self._asked(lambda: self._session.sql("select 1 as n").createOrReplaceTempView(MARK))

    def rows(self, sql: str) -> pa.RecordBatchReader:
        """The rows of a select in its order, with the columns and types that DuckDB gives them.

        Raises CrampAtlasError where the select cannot be carried or fails on its rows, MachineFault where the server does.
        """
        schema = self._planner.sql(f"select * from ({sql.rstrip().rstrip(';')}\n) limit 0").to_arrow_table().schema
        if found := traps(sql):
            raise CrampAtlasError(f"means another thing on Spark than on DuckDB: {'; '.join(map(str, found))}")
        frame = self._asked(lambda: self._session.sql(self._carried(sql)))
        return pa.RecordBatchReader.from_batches(schema, self._batches(frame, schema))

    def numbers(self, sql: str) -> list[int]:
        """The one row of whole numbers that a select returns."""
        [row] = self.rows(sql).read_all().to_pylist()
        return [int(number) for number in row.values()]

    def _batches(self, frame: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        client = self._session.client
        plan = frame._plan  # what a DataFrame offers by itself is rows one by one, or all of them at once
        answers = client.to_table_as_iterator(plan.to_proto(client), plan.observations)
        rest = schema.empty_table()
        while (answer := self._asked(lambda: next(answers, None))) is not None:
            if isinstance(answer, pa.Table):
                rest = pa.concat_tables([rest, _in_types(answer, schema)])
            while rest.num_rows >= BATCH_ROWS:  # as many as DuckDB gives at a time, so that equal rows are equal files
                yield _one_batch(rest.slice(0, BATCH_ROWS))
                rest = rest.slice(BATCH_ROWS)
        if rest.num_rows:
            yield _one_batch(rest)

    def _carried(self, sql: str) -> str:
        tree = sqlglot.parse_one(sql, read=DUCKDB)
        tables = {f"{table.db}.{table.name}" for table in tree.find_all(exp.Table) if table.db}
        return carried(sql, {table: self._view_of(table) for table in tables})

    def _view_of(self, table: str) -> str:
        """What a table that is bound on DuckDB is called on the server, where it is bound now if it was not yet."""
        if table not in self._bound:
            words = words_of(self._planner, table)
            view = f"{table.replace('.', '__')}__{len(self._bound)}"
            self._bound[table] = view
            frame = self._frame_of(table, words)
            self._asked(lambda: frame.createOrReplaceTempView(view))
        return self._bound[table]

    def _frame_of(self, table: str, words: str) -> Any:
        read = sqlglot.parse_one(words, read=DUCKDB).find(exp.From)
        bound = read.this if read else None
        if isinstance(bound, exp.Table) and isinstance(bound.this, exp.ReadParquet):
            paths = [Path(path.name) for path in bound.this.find_all(exp.Literal) if path.is_string]
            return self._objects(table, paths)
        if isinstance(bound, exp.Table) and not bound.db and not words.lstrip().lower().startswith("with"):
            rows = self._planner.sql(words).to_arrow_table()
            return self._session.createDataFrame(rows)
        return self._session.sql(self._carried(words))

    def _objects(self, table: str, paths: Sequence[Path]) -> Any:
        """Parquet objects as one table: each in the columns and types that DuckDB sees, NULL where it lacks one."""
        seen = self._planner.sql(f"select * from {table}")
        kinds = {name: spark_type(str(kind)) for name, kind in zip(seen.columns, seen.types, strict=True)}
        alike: dict[tuple[str, ...], list[Path]] = {}
        for path in paths:
            alike.setdefault(tuple(map(str, pq.read_schema(path))), []).append(path)
        frames = []
        for files in alike.values():
            there = set(pq.read_schema(files[0]).names)
            columns = [
                f"cast({_quoted(name) if name in there else 'null'} as {kind}) as {_quoted(name)}" for name, kind in kinds.items()
            ]
            frames.append(self._session.read.parquet(*map(self._lend, files)).selectExpr(*columns))
        whole = frames[0]
        for frame in frames[1:]:
            whole = whole.unionAll(frame)
        return whole

    def _asked(self, question: Callable[[], Any]) -> Any:
        """What the server answers; its errors as ours."""
        try:
            return question()
        except CrampAtlasError:
            raise
        except Exception as error:
            if _is_of_the_select(error) and self._is_there():
                raise CrampAtlasError(
                    f"the query failed on the server of Spark ({type(error).__name__}); run it by hand to see why"
                ) from None  # whose text may hold a value
            raise MachineFault(
                f"the server of Spark failed or was lost ({type(error).__name__}): {LATER}; if it stays, look at the server"
            ) from None

    def _is_there(self) -> bool:
        """Whether the server is up, and has not lost this session."""
        try:
            return bool(self._session.sql(f"select n from {MARK}").count() == 1)
        except Exception:  # whatever it is, the session does not answer
            return False


@contextmanager
def server(settings: Settings, planner: duckdb.DuckDBPyConnection) -> Iterator[Server]:
    """A session on the server of `SPARK_REMOTE`, ended afterwards; raises MachineFault where there is none to work with."""
    lend = lender(settings)
    session = connected(settings.spark_remote.get_secret_value())
    try:
        yield Server(planner, session, lend)
    finally:
        session.stop()


def _need_no_home() -> None:
    """The client looks for a whole Spark, and ends the process where it finds none: it is told that its own folder is one."""
    client = importlib.util.find_spec("pyspark")
    if client and client.origin:
        os.environ.setdefault("SPARK_HOME", str(Path(client.origin).parent))


def connected(remote: str) -> Any:
    """A new session of Spark Connect; raises MachineFault where the server does not answer or is of another version."""
    if not remote:
        raise MachineFault("CRAMP_ATLAS_ENGINE is spark, but SPARK_REMOTE is not set: set it to sc://host:port of the server")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of pandas, which is not used
            _need_no_home()
            import pyspark
            import pyspark.sql.connect.logging
            from pyspark.sql.connect.client.retries import DefaultPolicy
            from pyspark.sql.connect.session import SparkSession
    except ImportError as error:
        raise MachineFault(f"CRAMP_ATLAS_ENGINE is spark, but the client of Spark is not installed: {EXTRA}") from error
    logging.getLogger(pyspark.sql.connect.logging.__name__).disabled = True  # it quotes what the server says, with values
    try:
        session = SparkSession.builder.remote(remote).create()
        session.client.set_retry_policies(
            [DefaultPolicy(max_retries=TRIES, initial_backoff=FIRST_WAIT_MS, max_backoff=LONGEST_WAIT_MS)]
        )
        theirs = session.version
    except Exception as error:
        raise MachineFault(
            f"the server of SPARK_REMOTE does not answer ({type(error).__name__}): {LATER}; if it stays, see whether it runs"
        ) from None  # whose text may hold the address
    if problem := of_another_version(pyspark.__version__, theirs):
        session.stop()
        raise MachineFault(problem)
    return session


def of_another_version(ours: str, theirs: str) -> str | None:
    """What to do where client and server are not of the same minor version of Spark; None where they are."""
    if ours.split(".")[:2] == theirs.split(".")[:2]:
        return None
    minor = ".".join(theirs.split(".")[:2])
    return (
        f"the client of Spark is {ours} and the server of SPARK_REMOTE is {theirs}: both must be of the same minor version; "
        f"pip install 'pyspark-client=={minor}.*', or have the server of {'.'.join(ours.split('.')[:2])}"
    )


def words_of(planner: duckdb.DuckDBPyConnection, table: str) -> str:
    """The select that a table was bound with."""
    schema, _, name = table.partition(".")
    found = planner.sql(
        f"select comment from duckdb_views() where schema_name = {literal(schema)} and view_name = {literal(name)}"
    ).fetchall()
    if not found or found[0][0] is None:
        raise CrampAtlasError(f"reads {table}, which is no table of the project")
    return str(found[0][0])


def spark_type(kind: str) -> str:
    """A type of DuckDB as Spark writes it."""
    return exp.DataType.build(kind, dialect=DUCKDB).sql(dialect=SPARK)


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def _is_of_the_select(error: Exception) -> bool:
    kind = type(error).__name__
    return kind in OF_THE_SELECT or (kind == AT_RUN_TIME and any(words in str(error) for words in OF_A_ROW))


def _one_batch(rows: pa.Table) -> pa.RecordBatch:
    [batch] = rows.combine_chunks().to_batches()
    return batch


def _in_types(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    try:
        return pa.table([rows.column(number).cast(field.type) for number, field in enumerate(schema)], schema=schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise CrampAtlasError("a column that Spark returned does not have the type that DuckDB gives it") from error
