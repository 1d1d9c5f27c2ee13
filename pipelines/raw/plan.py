"""What a raw object is made of."""

from pipelines.making.ingredients import of_contract
from pipelines.making.judging import JUDGING_CODE
from pipelines.project.form import Form
from pipelines.project.project import Project
from pipelines.store import Place, digest
from pipelines.store.recipe import ABSENT, Plan, code_digest, libraries

READER_CODE = (*JUDGING_CODE, "landing/readers", "raw")


READER_LIBRARIES = ("duckdb", "great-expectations", "polars", "pyarrow", "pyreadstat")


def plan_raw(project: Project, place: Place, delivery: str) -> Plan:
    """`delivery` is the SHA-256 of the delivered file, or ABSENT."""
    ingredients = {"delivery": delivery, **of_contract(project, place)}
    if delivery != ABSENT:
        delivered = project.sources[place.source].waves[place.wave].tables[place.table]
        form = {"form": digest(delivered.form.model_dump(exclude_defaults=True))} if delivered.form != Form() else {}
        ingredients |= form | {
            "expected rows": str(delivered.rows),
            "reader code": code_digest(READER_CODE),
            "libraries": libraries(READER_LIBRARIES),
        }
    return Plan(place, ingredients, is_absent=delivery == ABSENT)
