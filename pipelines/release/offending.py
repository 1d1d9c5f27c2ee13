"""The select that lists the rows which break a rule: one that an analyst can run on the released database.

Tables of a release unite the objects of all sources and waves; a verdict is about one object, and so is its query.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

from pipelines.machine.quoting import literal
from pipelines.making.seeing import places_read
from pipelines.project.project import Project
from pipelines.store import Place, Sidecar
from pipelines.store.places import rejected_rows_place

BATCH = "{batch}"
"""What stands in a rule's query for the table that it is about."""


@dataclass(frozen=True)
class Composed:
    """The objects of a release, in the order in which its tables hold them."""

    project: Project
    objects: Mapping[Place, Sidecar]

    def condition(self, table: str, places: Sequence[Place]) -> str | None:
        """What is true of the rows that places which follow one another have in `table`; None where it has no others."""
        everything = [place for place, sidecar in self.objects.items() if place.name == table and sidecar.content]
        chosen = [place for place in everything if place in places]
        if chosen == everything:
            return None
        if not chosen:
            return "false"
        source, waves = chosen[0].source, [place.wave for place in chosen]
        columns = self.project.contracts[table].column_types()
        is_all_of_source = waves == [place.wave for place in everything if place.source == source]
        if "source" in columns and (is_all_of_source or "wave" in columns):
            of_waves = "" if is_all_of_source else f" and wave in ({', '.join(map(literal, waves))})"
            return f"source = {literal(source)}{of_waves}"
        # A raw table does not say whose its rows are; they stand in the order of the objects.
        first = sum(self.objects[place].rows for place in everything[: everything.index(chosen[0])])
        return f"rowid >= {first} and rowid < {first + sum(self.objects[place].rows for place in chosen)}"

    def relation(self, table: str, places: Sequence[Place]) -> str:
        """The rows of these places, as it stands in a `from`."""
        condition = self.condition(table, places)
        return table if condition is None else f"(select * from {table} where {condition})"

    def file(self, place: Place, content: str) -> str:
        """An object of the store, as it stands in a `from` of somebody who works in the folder of the project."""
        path, folder = self.project.store.path(place, content).resolve(), self.project.settings.project.resolve()
        shown: Path = path.relative_to(folder) if path.is_relative_to(folder) else path
        return f"(select * from read_parquet({literal(shown.as_posix())}))"


def query_of(published: Composed, place: Place, sidecar: Sidecar, result: Mapping[str, Any]) -> str | None:
    """The query of one verdict on `place`; None where the rule does not apply or has none.

    A rejected candidate is in no release: its query reads its file in the store. Records that were set aside are in no table:
    their query lists their numbers in the delivery.
    """
    text: str | None = result.get("query")
    if text is None:
        return None
    if BATCH not in text:
        return _of_claim(published, place, sidecar, text)
    if result["severity"] == "set_aside" and sidecar.rejected_rows and result["status"] == "failed":
        return _of_records_aside(published, place, sidecar, result["rule_id"])
    if sidecar.verdict == "rejected":
        relation = published.file(place, sidecar.content) if sidecar.content else None
        return text.replace(BATCH, relation) if relation else None
    return text.replace(BATCH, published.relation(place.name, [place]))


def _of_records_aside(published: Composed, place: Place, sidecar: Sidecar, rule_id: str) -> str:
    rule = f"rule_id = {literal(rule_id)}"
    if sidecar.verdict == "rejected":
        return f"select * from {published.file(rejected_rows_place(place), str(sidecar.rejected_rows))} where {rule}"
    of_place = " and ".join(
        f"{name} = {literal(value)}"
        for name, value in (("source", place.source), ("wave", place.wave), ("table_name", place.name))
    )
    return f"select * from meta.rejected_rows where {of_place} and {rule}"


def _of_claim(published: Composed, place: Place, sidecar: Sidecar, text: str) -> str | None:
    """A claim about one source or wave: each table that it reads is narrowed to what it was judged on."""
    select = sqlglot.parse_one(text, read="duckdb")
    is_narrowed = False
    for table in [table for table in select.find_all(exp.Table) if table.db]:
        if table.db == "codebook":
            return None
        relation = _judged(published, place, sidecar, f"{table.db}.{table.name}")
        if relation.startswith("("):
            is_narrowed = True
            narrowed = sqlglot.parse_one(f"select * from {relation} as {table.alias_or_name}", read="duckdb")
            table.replace(narrowed.find(exp.Subquery))
    return select.sql(dialect="duckdb", pretty=True) if is_narrowed else text


def _judged(published: Composed, place: Place, sidecar: Sidecar, table: str) -> str:
    read = places_read(published.project, place, table)
    if sidecar.verdict == "rejected":
        candidates = {str(place): sidecar.content, **sidecar.inputs}
        for candidate in read:
            if content := candidates.get(str(candidate)):
                return published.file(candidate, content)
    return published.relation(table, read)
