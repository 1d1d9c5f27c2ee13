"""Names of columns that are like those of functions, or of what functions begin with, are columns all the same."""

import itertools

import pytest

from pipelines.machine.functions import duckdb_functions, unusable_functions
from pipelines.machine.quoting import identifier
from pipelines.project.conditions import Conditions, Domain

ODD = (
    *("has_ct_scan", "had_ct_scan", "current_time_job", "read_glucose", "globe", "query", "now", "version"),
    *("pg_count", "random", "age"),
)
FORMS = (
    "{0} > 1 and {1} > 2",
    "{1} = 1 or {0} = 2 and {1} < 9",
    "not {0} between 1 and 3 and ({1} is null or {0} in (1, 2))",
    "case when {0} > 1 then {1} > 1 else {1} < 7 end",
    "cast({0} as varchar) collate nocase = '1' and {1} // 2 = 1",
    "{0} + {1} * 2 > 3 and {0} % 2 = 0 and {0} ** 2 > {1}",
    "coalesce({0}, {1}) = 1",
)
"""Conditions on two columns."""


@pytest.mark.parametrize("form", FORMS)
def test_a_column_named_like_a_function_is_no_function(form: str) -> None:
    named = Conditions("core.respondents", {name: Domain("INTEGER", None, 0, 20_000) for name in ODD})
    pairs = list(itertools.pairwise(ODD))
    assert [(pair, fault) for pair in pairs if (fault := named.fault(form.format(*pair)))] == []


def test_the_name_of_any_function_can_be_that_of_a_column() -> None:
    """In double quotes, as DuckDB wants it for words that it keeps to itself."""
    names = [name for name in unusable_functions() if name.isidentifier()]
    assert len(names) > 200
    assert len(set(names) & set(duckdb_functions())) == len(names)
    named = Conditions("core.respondents", {name: Domain("INTEGER", None, 0, 20_000) for name in names})
    condition = " and ".join(f"{identifier(name)} > 1" for name in names[:40])
    assert named.fault(condition) is None
