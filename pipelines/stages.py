"""What an object is made of: its recipe, from what is accepted now and from the project as it stands on disk.

A recipe has every ingredient that can change the content or the verdict, each under a name that an analyst understands.
Versions of contracts never decide: the hash of their text does.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pipelines
from pipelines.project.form import Form
from pipelines.project.project import Project
from pipelines.project.selects import tables_of_rows
from pipelines.project.sources import SHARED_WAVE, Source
from pipelines.report.estimators import COUNTING_RECORDS, SETTINGS_NOT_READ, Received
from pipelines.store import Place, digest

ABSENT = "absent"

JUDGING_CODE = ("contracts", "making/judging.py")
READER_CODE = (*JUDGING_CODE, "landing/readers", "raw")
ENGINE_CODE = (*JUDGING_CODE, "making", "core")
ESTIMATE_CODE = (*JUDGING_CODE, "statistics", "report", "project/standards.py", "making")

READER_LIBRARIES = ("duckdb", "great-expectations", "polars", "pyarrow", "pyreadstat")
ENGINE_LIBRARIES = ("duckdb", "great-expectations", "pyarrow")
ESTIMATE_LIBRARIES = ("duckdb", "great-expectations", "numpy", "polars", "pyarrow", "scipy")


@dataclass(frozen=True)
class Plan:
    """The ingredients of one object, and the accepted objects that it reads (place -> content)."""

    place: Place
    ingredients: Mapping[str, str]
    inputs: Mapping[Place, str] = field(default_factory=dict)
    is_absent: bool = False

    @property
    def recipe(self) -> str:
        inputs = {str(place): content for place, content in self.inputs.items()}
        return digest({"place": str(self.place), "ingredients": dict(self.ingredients), "inputs": inputs})


def plan_raw(project: Project, place: Place, delivery: str) -> Plan:
    """`delivery` is the SHA-256 of the delivered file, or ABSENT."""
    ingredients = {"delivery": delivery, **_contract(project, place)}
    if delivery != ABSENT:
        delivered = project.sources[place.source].waves[place.wave].tables[place.table]
        form = {"form": digest(delivered.form.model_dump(exclude_defaults=True))} if delivered.form != Form() else {}
        ingredients |= form | {
            "expected rows": str(delivered.rows),
            "reader code": code_digest(READER_CODE),
            "libraries": _libraries(READER_LIBRARIES),
        }
    return Plan(place, ingredients, is_absent=delivery == ABSENT)


def plan_core(project: Project, place: Place) -> Plan:
    """One wave of a core table; absent where a raw table that its select reads was never accepted for that wave."""
    source = project.sources[place.source]
    select = project.selects[f"{place.name}/{place.source}"]
    tables = [name for name in select.reads if name.startswith("raw.")]
    inputs = accepted_inputs(project, [raw_place(source, table, place.wave) for table in tables])
    if len(inputs) < len(tables):
        return Plan(place, _contract(project, place) | {"delivery": ABSENT}, is_absent=True)
    codebooks = {
        f"codebook {name.removeprefix('codebook.')}": project.contracts[name.replace("codebook.", "raw.")].codebook_digest
        for name in select.reads
        if name.startswith("codebook.")
    }
    ingredients = {
        **_contract(project, place),
        **codebooks,
        select.name: digest(select.text),
        **_study(project, ["age_bands"]),
        "source": digest([source.top_codes(), source.is_synthetic, source.design, source.components]),
        "engine code": code_digest(ENGINE_CODE),
        "libraries": _libraries(ENGINE_LIBRARIES),
    }
    return Plan(place, ingredients, inputs)


def plan_report(project: Project, place: Place) -> Plan:
    """The rows of one source in a report table, by its select or by its estimator."""
    source = project.sources[place.source]
    select = project.selects.get(place.name)
    inputs = accepted_inputs(project, [read for table in project.reads(place.name) for read in places_of(project, table, source)])
    common = _contract(project, place)
    if select:
        made_by = {
            select.name: digest(select.text),
            "engine code": code_digest(ENGINE_CODE),
            "libraries": _libraries(ENGINE_LIBRARIES),
        }
    else:
        not_read = SETTINGS_NOT_READ[place.name]
        standard = project.standard_population.groups
        made_by = {
            **_study(project, set(project.study.of_estimates()) - not_read),
            **({} if "standardisation" in not_read else {"standard population": digest(standard.to_dicts())}),
            "source": digest([source.design, source.components, source.matched_on, source.case_definition, source.study_waves]),
            "comparability": digest([verdict.model_dump() for verdict in project.comparability_of(source)]),
            **({"records received": _records_received(project, source)} if place.name in COUNTING_RECORDS else {}),
            "estimator code": code_digest(ESTIMATE_CODE),
            "libraries": _libraries(ESTIMATE_LIBRARIES),
        }
    return Plan(place, common | made_by, inputs, is_absent=not inputs)


def plan(project: Project, place: Place) -> Plan | None:
    """The recipe that an accepted object would have today; None for a raw table of which nothing was ever taken in.

    For a raw table the delivery is the accepted one: a newer file in landing is news, not a contradiction.
    """
    if place.schema == "core":
        return plan_core(project, place)
    if place.schema == "report":
        return plan_report(project, place)
    accepted = project.store.accepted(place)
    return plan_raw(project, place, accepted.ingredients["delivery"]) if accepted else None


def raw_place(source: Source, table: str, wave: str) -> Place:
    """Where the objects of a raw table are that a wave reads: its own, or those that all waves share."""
    name = table.removeprefix("raw.")
    return Place("raw", name, source.source, wave if wave in source.waves_of(name) else SHARED_WAVE)


def places_of(project: Project, table: str, source: Source) -> list[Place]:
    """The places of a table that belong to one source."""
    return [place for place in project.places(table) if place.source == source.source]


def accepted_inputs(project: Project, places: Iterable[Place]) -> dict[Place, str]:
    """Place -> content of the accepted objects; places that hold nothing but an absence are left out."""
    inputs = {}
    for place in places:
        sidecar = project.store.accepted(place)
        if sidecar and sidecar.content and sidecar.verdict == "accepted":
            inputs[place] = sidecar.content
    return inputs


def records_received(project: Project, source: Source) -> dict[str, Received]:
    """Wave -> the records that its accepted respondents were harmonised from, and those set aside beside them.

    They are told by the raw objects that the respondents rest on: equal objects may stem from deliveries that had different
    records set aside, so the counts are ingredients of their own. Counted are tables whose rows become respondents, not those
    that are joined to them.
    """
    tables = tables_of_rows(project.selects[f"{project.study.respondents}/{source.source}"].text)
    received = {}
    for place in places_of(project, project.study.respondents, source):
        respondents = project.store.accepted(place)
        inputs = respondents.inputs if respondents else {}
        raw = [raw_place(source, table, place.wave) for table in tables if table.startswith("raw.")]
        delivered = [project.store.sidecar_of_content(read, inputs[str(read)]) for read in raw if str(read) in inputs]
        if delivered:
            n_set_aside = sum(sidecar.n_rejected_rows for sidecar in delivered)
            received[place.wave] = Received(sum(sidecar.rows for sidecar in delivered) + n_set_aside, n_set_aside)
    return received


def _records_received(project: Project, source: Source) -> str:
    """As a hash: manifests hold ingredients, and must count no records of a restricted source."""
    return digest(
        {wave: [counted.n_received, counted.n_set_aside] for wave, counted in records_received(project, source).items()}
    )


def _contract(project: Project, place: Place) -> dict[str, str]:
    contract = project.contracts[place.name]
    checks = {check.name: digest(check.text) for check in project.checks.get(place.table, ())}
    codebook = {"codebook": contract.codebook_digest} if contract.codebook else {}
    return {"contract": contract.digest_of_file, **codebook, **checks}


def _study(project: Project, sections: Collection[str]) -> dict[str, str]:
    """The settings of some sections of study.yaml, with their values: what differs can be named."""
    return {f"study.yaml: {name}": value for name, value in project.study.settings_of_estimates(sections).items()}


@cache
def code_digest(names: tuple[str, ...]) -> str:
    """SHA-256 over the source files and templates of modules and packages of `pipelines`."""
    root = Path(pipelines.__file__).parent
    files = sorted(
        file
        for name in names
        for file in ([root / name] if name.endswith(".py") else (root / name).rglob("*"))
        if file.suffix in {".py", ".j2"}
    )
    hashed = hashlib.sha256()
    for file in files:
        hashed.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    return hashed.hexdigest()


@cache
def code_version() -> dict[str, str]:
    """Version of the package, and the hash of all its modules."""
    return {"package": version("cramp-atlas"), "sha256": code_digest((".",))}


@cache
def _libraries(names: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {version(name)}" for name in names)
