"""What a core object is made of."""

from pipelines.machine.code import libraries
from pipelines.making.cells import QUESTIONS, Wanted, wanted_of
from pipelines.making.ingredients import of_code, of_contract, of_study
from pipelines.making.seeing import accepted_inputs, raw_place
from pipelines.making.selecting import ENGINE_LIBRARIES
from pipelines.project.project import Project
from pipelines.store import Place, digest
from pipelines.store.recipe import ABSENT, Plan


def plan_core(project: Project, place: Place) -> Plan:
    """One wave of a core table; absent where a raw table that its select reads was never accepted for that wave."""
    source = project.sources[place.source]
    select = project.selects[f"{place.name}/{place.source}"]
    vocabulary = project.vocabularies.get(place.name)
    tables = [name for name in select.reads if name.startswith("raw.")]
    inputs = accepted_inputs(project, [raw_place(source, table, place.wave) for table in tables])
    if len(inputs) < len(tables):
        return Plan(place, of_contract(project, place) | {"delivery": ABSENT}, is_absent=True)
    codebooks = {
        f"codebook {name.removeprefix('codebook.')}": project.contracts[name.replace("codebook.", "raw.")].codebook_digest
        for name in select.reads
        if name.startswith("codebook.")
    }
    ingredients = {
        **of_contract(project, place),
        **codebooks,
        select.name: digest(select.text),
        **({vocabulary.name: digest(vocabulary.text)} if vocabulary else {}),
        **of_study(project, ["age_bands"]),
        "source": digest(
            [
                *(source.top_codes(), source.is_synthetic, source.design, source.components),
                *(source.lonely_psu, source.psus_nested, *source.further_design),
            ]
        ),
        **of_code("engine code", "core.harmonise", "project.study"),
        "libraries": libraries(ENGINE_LIBRARIES),
    }
    return Plan(place, ingredients, inputs)


def plan_cells(project: Project, place: Place) -> Plan:
    """The cells of one wave; absent where there are no accepted respondents.

    Cells that answer more than the study asks today stay as they are: only a question that they do not answer makes new ones.
    """
    schema, _, table = project.study.respondents.partition(".")
    source = project.sources[place.source]
    inputs = accepted_inputs(project, [Place(schema, table, place.source, place.wave)])
    if not inputs:
        return Plan(place, of_contract(project, place) | {"delivery": ABSENT}, is_absent=True)
    ingredients = {
        **of_contract(project, place),
        "source": digest([source.design]),
        **of_code("engine code", "core.cells"),
        "libraries": libraries(ENGINE_LIBRARIES),
    }
    wanted = wanted_of(project, source)
    before = project.store.sidecar(place, project.store.acceptance(place.source, place.wave).tables.get(place.name, ""))
    of_before = dict(before.ingredients) if before else {}
    held = of_before.pop(QUESTIONS, None)
    is_same = before is not None and of_before == ingredients and before.inputs == {str(read): inputs[read] for read in inputs}
    if held and is_same and Wanted.parse(held).holds(wanted):
        wanted = Wanted.parse(held)
    return Plan(place, ingredients | {QUESTIONS: wanted.as_text()}, inputs)
