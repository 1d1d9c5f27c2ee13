"""What a core object is made of."""

from pipelines.machine.code import libraries
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
