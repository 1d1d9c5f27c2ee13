"""Means from the moments of cells: those of every value, whatever the range of the number and the order of the rows."""

from collections.abc import Sequence

import duckdb
import numpy as np
import polars as pl
import pytest

from pipelines.statistics import Cells, Design, InvalidArgument, collapse, compare_means, means
from pipelines.statistics.collapse import collapse_added, whole_units
from pipelines.statistics.moments import FIRST, SECOND, Measured, Scale, scale_of

DESIGN = Design("stratum", "psu", "weight")
PEOPLE = """
  select
    i % 15 as stratum, i // 15 % 2 as psu, i % 3 = 0 as y, i % 7 < 5 as inside,
    case when i % 11 = 0 then 0.0 else {weight} * (0.5 + hash(i) % 1000 / 1000.0) end as weight,
    case when i % 13 > 0 then {far} + {width} * (hash(i + 1000000) % 100000 / 100000.0 + 0.2 * (i % 3)) end as x
  from range(20000) as r(i)
"""
KEYS = {"y": "y", "inside": "inside"}


def people(far: float, width: float, weight: float) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"create table people as {PEOPLE.format(far=far, width=width, weight=weight)}")
    return connection


def measured(connection: duckdb.DuckDBPyConnection) -> Measured:
    scale = scale_of(connection, "people", "x")
    assert scale
    return Measured("x", scale)


def numbers(cells: Cells) -> Sequence[float]:
    found = compare_means(cells, "x", "y", domain=pl.col("inside"))
    groups = [number for group in (found.group, found.others) for number in (group.mean, group.se, group.standard_deviation)]
    return [found.difference, found.difference_se, *(number or 0.0 for number in groups)]


@pytest.mark.parametrize(
    ("far", "width", "weight", "tolerance"),
    [
        (0, 40, 20, 1e-11),
        (-3, 6, 30_000, 1e-11),
        (2005, 3, 20, 1e-9),
        (1.6e9, 1e3, 20, 1e-7),
        (0, 1e-6, 1, 1e-9),
        (5, 0, 20, 1e-9),
    ],
    ids=["near 0", "around 0", "years", "seconds since 1970", "tiny", "all equal"],
)
def test_means_of_moments_are_those_of_values(far: float, width: float, weight: float, tolerance: float) -> None:
    """Distances and errors are held against the width of the number: where it lies says nothing about their digits."""
    with people(far, width, weight) as connection:
        by_values = collapse(connection, "people", DESIGN, KEYS | {"x": "x"})
        by_moments = collapse(connection, "people", DESIGN, KEYS, measured(connection))
    assert by_moments.number == "x"
    assert by_moments.table.height <= 15 * 2 * 2 * 2 * 2
    of_values, of_moments = compare_means(by_values, "x", "y"), compare_means(by_moments, "x", "y")
    assert of_moments.n_missing == of_values.n_missing > 0
    assert of_moments.degrees_freedom == of_values.degrees_freedom
    assert numbers(by_moments) == pytest.approx(numbers(by_values), rel=tolerance, abs=tolerance * (width or 1))


def test_a_mean_of_moments_is_the_weighted_mean_of_people() -> None:
    with people(10, 5, 20) as connection:
        x, weight = connection.sql("select x, weight from people where x is not null").fetchnumpy().values()
        cells = collapse(connection, "people", DESIGN, KEYS, measured(connection))
    of_all = means(cells, "x")
    assert of_all["mean"].item() == pytest.approx(float(np.sum(x * weight) / np.sum(weight)), rel=1e-12)
    assert of_all["n_respondents"].item() == int(np.count_nonzero(weight))


def test_moments_do_not_hang_on_the_order_of_people() -> None:
    with people(27, 40, 20) as connection:
        as_made = collapse(connection, "people", DESIGN, KEYS, measured(connection))
        connection.execute("create table turned as select * from people order by hash(x, 1), weight")
        connection.execute("drop table people; alter table turned rename to people")
        turned = collapse(connection, "people", DESIGN, KEYS, measured(connection))
    assert as_made.table.equals(turned.table)


def test_cells_that_were_added_up_are_those_of_people_to_the_bit() -> None:
    with people(27, 40, 20) as connection:
        number = measured(connection)
        of_people = collapse(connection, "people", DESIGN, KEYS, number)
        first, second = number.scale.parts("units", "x")
        added = connection.sql(
            f"""
            select stratum, psu, y, inside, i % 3 as more, case when x is not null then true end as x, count(*) as n_sampled,
              count(units) as n, sum(units) as units, sum({first}) as {FIRST}, sum({second}) as {SECOND}
            from (select *, row_number() over () as i, {whole_units("weight")} as units from people) group by all"""
        )
        of_added = collapse_added(added.pl().with_columns(pl.col(FIRST, SECOND, "units").cast(pl.Int64)), DESIGN, [*KEYS], number)
    assert of_people.table.equals(of_added.table)


def test_summed_cells_have_the_same_means() -> None:
    with people(27, 40, 20) as connection:
        cells = collapse(connection, "people", DESIGN, KEYS, measured(connection))
    summed = cells.summed(["y", "x"])
    assert summed.table.height < cells.table.height
    assert [compare_means(summed, "x", "y").group.standard_deviation] == pytest.approx(
        [compare_means(cells, "x", "y").group.standard_deviation], rel=1e-12
    )
    assert means(summed, "x")["mean_se"].item() == pytest.approx(means(cells, "x")["mean_se"].item(), rel=1e-12)
    assert cells.summed(["y"]).number is None


def test_who_is_alone_in_a_cell_lies_at_its_mean() -> None:
    """To the billionth of a weight of 1, in which all is added."""
    with duckdb.connect() as connection:
        connection.execute(
            "create table people as select i as stratum, j as psu, j = 0 as y, 3.0 + i + j as x, 1.5 as weight "
            "from range(3) as r(i), range(2) as s(j)"
        )
        cells = collapse(connection, "people", DESIGN, {"y": "y"}, measured(connection))
    assert cells.table["x"].to_list() == pytest.approx([3, 4, 4, 5, 5, 6], rel=1e-15)
    assert cells.table["squares_within"].to_list() == pytest.approx([0] * 6, abs=1e-9)


@pytest.mark.parametrize("value", ["inf", "-inf", "nan"])
def test_a_number_that_is_not_finite_has_no_scale(value: str) -> None:
    with people(27, 40, 20) as connection:
        connection.execute(f"insert into people values (1, 1, true, true, 1.0, '{value}'::double)")
        assert scale_of(connection, "people", "x") is None
        with pytest.raises(InvalidArgument, match="not finite"):
            compare_means(collapse(connection, "people", DESIGN, KEYS | {"x": "x"}), "x", "y")


def test_a_number_of_nobody_has_a_scale_and_no_mean() -> None:
    with people(27, 40, 20) as connection:
        connection.execute("update people set x = null")
        assert scale_of(connection, "people", "x") == Scale(0.0, 1.0)
        cells = collapse(connection, "people", DESIGN, KEYS, measured(connection))
    assert cells.table["x"].null_count() == cells.table.height


def test_the_widest_range_of_doubles_does_not_overflow() -> None:
    with duckdb.connect() as connection:
        connection.execute("create table people as select * from (values (-1.7e308), (1.7e308)) as v(x)")
        assert scale_of(connection, "people", "x") == Scale(0.0, 1.7e308)
