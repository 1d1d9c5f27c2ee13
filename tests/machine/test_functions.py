"""Which functions of DuckDB an analyst's SQL may call: those whose answer is made of the data, looked through one by one."""

from pathlib import Path

import pytest
import sqlglot
from sqlglot.errors import ParseError

from pipelines.machine.functions import duckdb_functions, functions_of, not_of_the_data, unusable_functions
from pipelines.machine.reaching import is_one_select, reaches_out

LOOKED_THROUGH = frozenset((Path(__file__).parent / "duckdb_functions.txt").read_text(encoding="utf-8").split())
"""Functions whose answer is made of their arguments alone."""

OF_THE_ENGINE = ("icu_collate_", "__internal_")
CALLABLE = {"scalar", "macro", "aggregate", "table", "table_macro"}


def test_every_function_of_this_duckdb_was_looked_at() -> None:
    """A new one is either refused or written into duckdb_functions.txt, by somebody who read what it does."""
    free = {name for name in duckdb_functions() if name.isidentifier() and not name.startswith(OF_THE_ENGINE)}
    assert free - set(unusable_functions()) == LOOKED_THROUGH


def test_what_is_refused_is_refused_however_it_is_called() -> None:
    callable_ones = [name for name in unusable_functions() if any(kind in CALLABLE for kind, _ in duckdb_functions()[name])]
    assert len(callable_ones) > 150
    missed = []
    for name in callable_ones:
        for call in (f"{name}()", f"{name}(x)", f"{name}('x')", f'"{name.upper()}"(x)', f"system.main.{name}(x)"):
            for sql in (f"select {call} from raw.t", f"select 1 from raw.t where x > 1 and upper({call}) = 'A'"):
                try:
                    tree = sqlglot.parse_one(sql, read="duckdb")
                except ParseError:  # refused as SQL
                    continue
                if not list(not_of_the_data(tree)):
                    missed.append(sql)
    assert missed == []


def test_what_may_be_called_is_let_through() -> None:
    assert len(LOOKED_THROUGH) > 500
    stopped = []
    for name in LOOKED_THROUGH - {"age"}:
        for arguments in ("x", "x, y", "x, y, z"):
            try:
                tree = sqlglot.parse_one(f"select {name}({arguments}) from raw.t", read="duckdb")
            except ParseError:
                continue
            stopped += list(not_of_the_data(tree))
    assert stopped == []


GOOD = (
    "select 1 from raw.t where x = 1 and had_ct_scan",
    'select read_glucose, globe, "query", now, t.user from raw.t where x = 1 or read_glucose and current_time_job > 3',
    "with People as (select * from raw.t), two as (select * from PEOPLE) select * from people join TWO using (id)",
    "with recursive n as (select 1 as i union all select i + 1 from N where i < 3) select * from n",
    "select age(x, y), unnest(a), list_filter(a, lambda now: now > 1), 'random()' from raw.t",
    "select * from range(3) cross join generate_series(1, 2) cross join unnest([1, 2])",
    "select x collate nocase, x ** 2, x -> 'a', x ~ 'b', [v + 1 for v in x if v] from raw.t t, lateral (select t.x)",
    "from raw.t select x order by x limit 3",
)

BAD = {
    "select now() from raw.t": "calls now, which gives another answer every day",
    "select current_date from raw.t": "calls current_date, which gives another answer every day",
    "select localtimestamp from raw.t": "calls localtimestamp, which gives another answer every day",
    "select age(born) from raw.t": "calls age with one date, which gives another answer every day",
    "select ago(interval 1 year) from raw.t": "calls ago, which gives another answer every day",
    "select random() from raw.t": "calls random, which gives another answer every time",
    "select uuid() from raw.t": "calls uuid, which gives another answer every time",
    "select nextval('s') from raw.t": "calls nextval, which gives another answer every time",
    "select reservoir_quantile(x, 0.5) from raw.t": "calls reservoir_quantile, which gives another answer every time",
    "select * from raw.t using sample 10": "draws a sample, which is another one every time",
    "select * from raw.t tablesample 10%": "draws a sample, which is another one every time",
    "select getvariable('x') from raw.t": "calls getvariable, which is about the machine and not about the data",
    "select current_setting('threads') from raw.t": "calls current_setting, which is about the machine and not about the data",
    "select version() from raw.t": "calls version, which is about the machine and not about the data",
    "select * from duckdb_databases()": "calls duckdb_databases, which reaches out of the warehouse",
    "select * from pragma_table_info('raw.t')": "calls pragma_table_info, which reaches out of the warehouse",
    "select * from pg_timezone_names()": "calls pg_timezone_names, which is about the machine and not about the data",
    "select * from histogram('raw.t', x)": "calls histogram, which reaches out of the warehouse",
    "select * from http_get('x')": "calls http_get, which reaches out of the warehouse",
    "select * from duckdb_settings": "reads `duckdb_settings`, which is no table of the project; say it otherwise",
    "from (show tables)": "reads `show`, which is no table of the project; say it otherwise",
    "select * from (summarize raw.t)": "describes a table instead of reading it; say it otherwise",
    "select * from system.information_schema.tables": "reads `system.information_schema.tables`; say it otherwise",
}


@pytest.mark.parametrize("sql", GOOD)
def test_a_select_over_the_data_is_let_through(sql: str) -> None:
    assert reaches_out(sql, (), "say it otherwise") is None


@pytest.mark.parametrize(("sql", "said"), BAD.items())
def test_a_select_that_depends_on_anything_else_is_told(sql: str, said: str) -> None:
    assert reaches_out(sql, (), "say it otherwise") == said


def test_a_rule_reads_its_own_table_only() -> None:
    assert reaches_out("select * from Batch", {"batch"}, "read it", schemas=False) is None
    assert reaches_out("select * from raw.t", {"batch"}, "read it", schemas=False) == "reads `raw.t`; read it"


@pytest.mark.parametrize(
    ("sql", "is_one"),
    [
        ("select * from b", True),
        ("from b where x > 3", True),
        ("with a as (select * from b) select * from A;", True),
        ("select * from b where", False),
        ("delete from b", False),
        ("select * from b; select 1", False),
        ("copy (select 1) to 'x'", False),
        ("", False),
    ],
)
def test_a_rule_is_one_select(sql: str, is_one: bool) -> None:
    assert is_one_select(sql) == is_one


def test_operators_are_no_functions() -> None:
    tree = sqlglot.parse_one("select lower(a) = 'x' and b or c collate nocase = 'x' and not a -> 'x' ~ 'y'", read="duckdb")
    assert {name for name, _ in functions_of(tree)} == {"lower", "regexp_matches"}
