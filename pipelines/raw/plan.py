"""What a raw object is made of."""

from pipelines.machine.code import libraries
from pipelines.making.ingredients import of_code, of_contract
from pipelines.project.form import Form
from pipelines.project.project import Project
from pipelines.store import Place, digest
from pipelines.store.recipe import ABSENT, Plan

MAKERS = ("raw.candidate", "landing.readers.worker")
"""What reads, conforms and judges a file, and the process of its own that reads it, which is started by name."""


READER_LIBRARIES = ("duckdb", "great-expectations", "polars", "pyarrow", "pyreadstat")


def plan_raw(project: Project, place: Place, delivery: str) -> Plan:
    """`delivery` is the SHA-256 of the delivered file, or ABSENT."""
    ingredients = {"delivery": delivery, **of_contract(project, place)}
    if delivery != ABSENT:
        delivered = project.sources[place.source].waves[place.wave].tables[place.table]
        form = {"form": digest(delivered.form.model_dump(exclude_defaults=True))} if delivered.form != Form() else {}
        ingredients |= form | {
            "expected rows": str(delivered.rows),
            **of_code("reader code", *MAKERS),
            "libraries": libraries(READER_LIBRARIES),
        }
    return Plan(place, ingredients, is_absent=delivery == ABSENT)
