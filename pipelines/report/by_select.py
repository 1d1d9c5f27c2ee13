"""Making a report table by its select."""

import pyarrow as pa

from pipelines.machine.errors import CrampAtlasError
from pipelines.making.build import Made
from pipelines.making.selecting import as_promised, selected
from pipelines.project.project import Project
from pipelines.report.register import frames_read
from pipelines.store.recipe import Plan


def by_select(project: Project, plan: Plan) -> Made:
    """Run the select of the table; raises CrampAtlasError where it has other columns than the contract."""
    place = plan.place
    select = project.selects[place.name]
    schema = project.contracts[place.name].arrow_schema()
    known = {"study.age_bands": project.study.age_bands.frame(), **frames_read(project, select.reads)}
    with selected(project, plan, select, known) as reader:
        problems = [f"{name} is no column of it" for name in reader.schema.names if name not in schema.names]
        problems += [f"{name} is left out" for name in schema.names if name not in reader.schema.names]
        if problems:
            raise CrampAtlasError(f"{select.name} does not return the columns of {place.name}: {'; '.join(problems)}")
        batches = (
            pa.RecordBatch.from_arrays(
                [as_promised(select.name, batch.column(field.name), field) for field in schema], schema=schema
            )
            for batch in reader
        )
        return Made(*project.store.write(place, pa.RecordBatchReader.from_batches(schema, batches)))
