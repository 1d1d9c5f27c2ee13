"""What is read off a select before it runs."""

import pytest

from pipelines.project.selects import tables_of_rows


@pytest.mark.parametrize(
    ("select", "tables"),
    [
        ("select a from raw.people", ["raw.people"]),
        ("select a from raw.people as p left join raw.drugs as d using (id)", ["raw.people"]),
        (
            "with d as (select id from raw.drugs), p as (select id from raw.people join d using (id)) select * from p",
            ["raw.people"],
        ),
        ("with p as (select id from raw.people) select id from (select * from p) as q", ["raw.people"]),
        ("select id from raw.first union all select id from raw.second", ["raw.first", "raw.second"]),
        ("with people as (select id from raw.people) select id from people", ["raw.people"]),
    ],
)
def test_the_tables_that_give_a_select_its_rows_are_found(select: str, tables: list[str]) -> None:
    assert tables_of_rows(select) == tables
