"""How Great Expectations counts repeated values on DuckDB, where its own queries sort or join the table.

Rows that come in order, as those of a delivery do as a rule, are compared with the one before; others are grouped once.

The expectations and their verdicts stay the library's own. It is imported here, so that this module is imported with it.
"""

from typing import Any

import sqlalchemy as sa
from great_expectations.expectations.metrics.map_metric_provider.column_map_metric_provider import ColumnMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_map_metric_provider import (
    MulticolumnMapMetricProvider,
)
from great_expectations.expectations.metrics.metric_provider import MetricProvider, metric_value


def count_by_grouping(engine: type) -> None:
    """Register the counts of both uniqueness expectations for one kind of execution engine; others keep theirs."""

    class RepeatedValues(MetricProvider):
        """How many rows have values that other rows have as well; rows where one of them is missing are not compared."""

        @classmethod
        def _get_evaluation_dependencies(cls, *_: Any, **__: Any) -> dict[str, Any]:
            return {}

        @metric_value(engine=engine)
        def _count(*_: Any, **given: Any) -> int:
            return _n_repeated(given["execution_engine"], given["metric_domain_kwargs"])

    class RepeatedColumnValues(RepeatedValues):
        """Registers itself by its name."""

        metric_name = "column_values.unique.unexpected_count"
        domain_keys = ColumnMapMetricProvider.condition_domain_keys
        value_keys = ()

    class RepeatedCompoundValues(RepeatedValues):
        """Registers itself by its name."""

        metric_name = "compound_columns.unique.unexpected_count"
        domain_keys = MulticolumnMapMetricProvider.condition_domain_keys
        value_keys = ()


def _n_repeated(execution_engine: Any, domain: dict[str, Any]) -> int:
    """Where nobody shares even the last column of a key, nobody shares all of them: that costs less to find out."""
    columns: list[Any] = [sa.column(name) for name in domain.get("column_list") or [domain["column"]]]
    rows = execution_engine.get_domain_records(domain_kwargs=domain)
    if isinstance(rows, sa.Select):
        rows = rows.subquery()
    if _rises(execution_engine, rows, columns):
        return 0
    n_repeated = _n_sharing(execution_engine, rows, columns, columns[-1:])
    return _n_sharing(execution_engine, rows, columns, columns) if n_repeated and len(columns) > 1 else n_repeated


def _rises(execution_engine: Any, rows: Any, known: list[Any]) -> bool:
    """Whether the last column of each row is above that of the row before, of those in which all of `known` are there.

    Texts are compared by their length first, so that numbers written as text count up.
    """
    kind = execution_engine.execute_query(sa.select(sa.func.typeof(known[-1])).select_from(rows).limit(1)).scalar()
    pair = (
        sa.select(known[-1].label("value"), sa.func.lag(known[-1]).over().label("before"))
        .select_from(rows)
        .where(*(column.is_not(None) for column in known))
        .subquery()
    )
    value, before = pair.c.value, pair.c.before
    falls = before >= value
    if kind == "VARCHAR":
        longer, as_long = sa.func.length(before) > sa.func.length(value), sa.func.length(before) == sa.func.length(value)
        falls = sa.or_(longer, sa.and_(as_long, falls))
    return execution_engine.execute_query(sa.select(sa.literal(1)).select_from(pair).where(falls).limit(1)).first() is None


def _n_sharing(execution_engine: Any, rows: Any, known: list[Any], by: list[Any]) -> int:
    """How many rows share the values of `by` with others, of those in which all of `known` are there."""
    counts = (
        sa.select(sa.func.count().label("n"))
        .select_from(rows)
        .where(*(column.is_not(None) for column in known))
        .group_by(*by)
        .having(sa.func.count() > 1)
        .subquery()
    )
    return int(execution_engine.execute_query(sa.select(sa.func.coalesce(sa.func.sum(counts.c.n), 0))).scalar())
