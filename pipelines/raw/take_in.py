"""Taking in a delivery: all tables of one source and wave are read, judged together, and accepted in one step or not at all."""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.contracts.expectations import rows_aside_sql
from pipelines.contracts.model import Contract
from pipelines.landing.readers import DeliveryUnreadable, read_delivery
from pipelines.machine.files import sha256_of_file
from pipelines.machine.working import parts
from pipelines.making.build import absent, with_accepted, with_rejection
from pipelines.making.engine import engine
from pipelines.making.judging import as_records, judge_claims, judge_contract, places_read, problems_of
from pipelines.project.project import Project
from pipelines.project.selects import Select
from pipelines.project.sources import DeliveredFile
from pipelines.raw.conform import SchemaProblems, conform, is_left_out
from pipelines.stages import ABSENT, JUDGING_CODE, Plan, accepted_inputs, code_digest, plan_raw
from pipelines.store import Acceptance, Place, Sidecar, digest
from pipelines.store.acceptance import Cause

WHOLE_DELIVERY = "raw"
"""The name under which the rejection of a delivery stands beside those of single tables."""

GENERATOR = "generator"
"""The name under which a failure to generate a synthetic delivery stands beside the rejections."""

NO_FILE = "no file"

REJECTED_ROWS = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("wave", pa.string()),
        pa.field("table_name", pa.string()),
        pa.field("row_number", pa.int64()),
        pa.field("rule_id", pa.string()),
        pa.field("column_name", pa.string()),
        pa.field("description", pa.string()),
    ]
)


@dataclass(frozen=True)
class Delivery:
    """What became of the delivery of one source and wave: the sidecars of its candidates and which of them were parsed now.

    `claims` are the verdicts on the claims of sql/checks about its tables, by table; none where the files alone are refused.
    """

    source: str
    wave: str
    candidates: dict[Place, Sidecar]
    parsed: frozenset[Place]
    problems: list[str]
    claims: dict[Place, Sidecar] = field(default_factory=dict)

    @property
    def is_absent(self) -> bool:
        return not self.candidates


def take_in(project: Project, source: str, wave: str, *, reread: bool = False) -> Delivery:
    """Read what landed for one source and wave; a file whose recipe is known is not parsed again unless `reread` asks for it.

    Accepts all tables together, or rejects the delivery and keeps what was accepted before. A delivery that is not there
    is no failure: what was accepted stays, and a source that never delivered has typed tables of zero rows.
    """
    files = {place: find_file(project, place) for place in _places(project, source, wave)}
    acceptance = project.store.acceptance(source, wave)
    if not any(files.values()):
        return _absent_delivery(project, source, wave, acceptance, list(files))
    plans, candidates, parsed = {}, {}, set()
    for place in parts(list(files)):
        path = files[place]
        if path is None:
            continue
        plan = plans[place] = plan_raw(project, place, digest_of(path))
        known = None if reread else project.store.sidecar(place, plan.recipe)
        if known is None:
            parsed.add(place)
            known = candidate(project, plan, path)
            project.store.record(place, known)
        candidates[place] = known
    problems = [f"{place.name} {wave}: {_file_name(project, place)} is missing" for place, path in files.items() if path is None]
    problems += [problem for sidecar in candidates.values() for problem in sidecar.problems]
    recipes = {place.name: sidecar.recipe for place, sidecar in candidates.items()}
    claims: dict[Place, Sidecar] = {}
    if not problems:
        claims = _claims(project, candidates)
        problems = [problem for sidecar in claims.values() for problem in sidecar.problems]
        recipes |= {place.name: sidecar.recipe for place, sidecar in claims.items()}
    if problems:
        cause: Cause = "contract" if _same_deliveries(project, acceptance, plans) else "delivery"
        acceptance = with_rejection(acceptance, WHOLE_DELIVERY, cause, problems, recipes)
    else:
        acceptance = with_accepted(acceptance, WHOLE_DELIVERY, recipes)
    project.store.set_acceptance(source, wave, acceptance)
    by_table = {about(place): sidecar for place, sidecar in claims.items()}
    return Delivery(source, wave, candidates, frozenset(parsed), problems, by_table)


def find_file(project: Project, place: Place) -> Path | None:
    """The delivered file of a table, whatever the letter case of its name."""
    path = project.settings.landing_folder / place.source / _delivered(project, place).file
    if path.is_file():
        return path
    if not path.parent.is_dir():
        return None
    return next((other for other in sorted(path.parent.iterdir()) if other.name.lower() == path.name.lower()), None)


def digest_of(path: Path) -> str:
    """SHA-256 of a delivered file. What is no file is told apart by a word, because no reader opens it."""
    return sha256_of_file(path) if path.is_file() else NO_FILE


def _places(project: Project, source: str, wave: str) -> list[Place]:
    return [Place("raw", table, source, wave) for table in project.sources[source].waves[wave].tables]


def _delivered(project: Project, place: Place) -> DeliveredFile:
    return project.sources[place.source].waves[place.wave].tables[place.table]


def _file_name(project: Project, place: Place) -> str:
    return _delivered(project, place).file


def _absent_delivery(project: Project, source: str, wave: str, acceptance: Acceptance, places: list[Place]) -> Delivery:
    plans = {place: plan_raw(project, place, ABSENT) for place in places}
    accepted = {place: project.store.accepted(place) for place in places}
    if not any(sidecar and sidecar.verdict == "accepted" for sidecar in accepted.values()):
        for place, plan in plans.items():
            if project.store.sidecar(place, plan.recipe) is None:
                project.store.record(place, absent(project, plan))
        recipes = {place.name: plan.recipe for place, plan in plans.items()}
        project.store.set_acceptance(source, wave, with_accepted(acceptance, WHOLE_DELIVERY, recipes))
    return Delivery(source, wave, {}, frozenset(), [])


def candidate(project: Project, plan: Plan, path: Path) -> Sidecar:
    """Read, conform and judge one file; every problem of the file is in the sidecar."""
    place = plan.place
    contract = project.contracts[place.name]
    delivered = _delivered(project, place)
    try:
        landing = project.settings.landing_folder
        received = read_delivery(path, delivered.form, project.settings, within=landing, n_records=delivered.rows)
        table = conform(received.frame, contract, place.wave, delivered.form.decimal, received.column_faults)
    except (DeliveryUnreadable, SchemaProblems) as error:
        problems = error.problems if isinstance(error, SchemaProblems) else [str(error)]
        return _rejected(plan, [f"{place.name} {place.wave}: {problem}" for problem in problems])
    problems = []
    if delivered.rows is not None and table.num_rows != delivered.rows:
        problems.append(
            f"{place.name} {place.wave}: {delivered.file} has {table.num_rows:,} rows where {delivered.rows:,} are published: "
            "the file is cut or is another release; fetch it again"
        )
    content, rows = project.store.write(place, table)
    results = judge_contract(project, place, project.store.path(place, content))
    problems += problems_of(place, results)
    aside = None
    n_aside = 0
    if not problems and any(result.severity == "set_aside" and result.status == "failed" for result in results):
        content, rows, aside, n_aside = _set_aside(project, place, table)
        if n_aside > _exact(contract.max_share_set_aside) * table.num_rows:
            percent = f"{float(100 * _exact(contract.max_share_set_aside)):g} %"
            problems.append(
                f"{place.name} {place.wave}: {n_aside:,} of {table.num_rows:,} records would be set aside, more than {percent} "
                "(maxShareSetAside of the contract): the delivery is rejected as a whole; ask the provider for a corrected file"
            )
    return Sidecar(
        table=place.name,
        source=place.source,
        wave=place.wave,
        recipe=plan.recipe,
        ingredients=dict(plan.ingredients),
        content=content,
        rows=rows,
        delivered_columns={name: str(kind) for name, kind in received.frame.schema.items() if not is_left_out(name, contract)},
        verdict="rejected" if problems else "accepted",
        problems=problems,
        results=as_records(results),
        rejected_rows=aside,
        n_rejected_rows=n_aside,
    )


def _exact(share: float) -> Fraction:
    """A share as it is written in a contract: 29 of 100 is not more than 0.29, as it would be in floating point."""
    return Fraction(str(share))


def _set_aside(project: Project, place: Place, table: pa.Table) -> tuple[str, int, str, int]:
    """Split off the records that break a `set_aside` rule: (content, rows) of the rest and of the list of rejected rows."""
    with engine(project.settings) as connection:
        connection.register("delivered", table)
        rejected = connection.sql(rows_aside_sql(project.contracts[place.name], "delivered", place.wave) or "").to_arrow_table()
    is_kept = np.ones(table.num_rows, dtype=bool)
    is_kept[rejected.column("row_number").to_numpy() - 1] = False
    content, rows = project.store.write(place, table.filter(pa.array(is_kept)))
    aside, _ = project.store.write(rejected_rows_place(place), _listed(project.contracts[place.name], place, rejected))
    return content, rows, aside, rejected.num_rows


def _listed(contract: Contract, place: Place, rejected: pa.Table) -> pa.Table:
    """Rows (row_number, failed_rules) as one row per record and rule, in the order of the delivery and of the contract."""
    rules = pl.DataFrame(
        [(rule.rule_id, ", ".join(rule.columns) or None, rule.description) for rule in contract.rules],
        schema=["rule_id", "column_name", "description"],
        orient="row",
    )
    where = [
        pl.lit(value).alias(name)
        for name, value in zip(REJECTED_ROWS.names, (place.source, place.wave, place.name), strict=False)
    ]
    broken = pl.DataFrame(rejected).explode("failed_rules").rename({"failed_rules": "rule_id"})
    listed = broken.join(rules, on="rule_id", how="left", maintain_order="left").with_columns(where)
    return listed.select(REJECTED_ROWS.names).to_arrow().cast(REJECTED_ROWS)


def rejected_rows_place(place: Place) -> Place:
    """Where the records that were set aside from a raw table are listed."""
    return Place("meta", "rejected_rows", place.source, f"{place.wave}.{place.table}")


def _claims(project: Project, candidates: dict[Place, Sidecar]) -> dict[Place, Sidecar]:
    """The claims of sql/checks, which may look across the tables of a delivery: judged on all candidates together."""
    contents = {place: sidecar.content for place, sidecar in candidates.items() if sidecar.content}
    paths = {place: project.store.path(place, content) for place, content in contents.items()}
    claims = {}
    for place in candidates:
        ingredients = {check.name: digest(check.text) for check in project.checks.get(place.table, ())}
        if not ingredients:
            continue
        ingredients["judging code"] = code_digest(JUDGING_CODE)
        judged = claims_place(place)
        others = [read for check in project.checks[place.table] for read in _other_tables(project, place, check, candidates)]
        inputs = {str(read): content for read, content in (contents | accepted_inputs(project, others)).items()}
        recipe = digest({"place": str(judged), "ingredients": ingredients, "inputs": inputs})
        known = project.store.sidecar(judged, recipe)
        if known is None:
            results = judge_claims(project, place, paths)
            problems = problems_of(place, results)
            known = Sidecar(
                table=judged.name,
                source=place.source,
                wave=place.wave,
                recipe=recipe,
                ingredients=ingredients,
                inputs=inputs,
                content=None,
                rows=0,
                verdict="rejected" if problems else "accepted",
                problems=problems,
                results=as_records(results),
            )
            project.store.record(judged, known)
        claims[judged] = known
    return claims


def _other_tables(project: Project, place: Place, check: Select, candidates: dict[Place, Sidecar]) -> list[Place]:
    """What a claim reads beside the delivery itself."""
    tables = [table for table in check.reads if table.startswith("raw.")]
    return [read for table in tables for read in places_read(project, place, table) if read not in candidates]


def claims_place(place: Place) -> Place:
    """Where the verdicts on claims about a raw table are kept: apart from its own, because other tables enter them."""
    return replace(place, schema="claims")


def about(place: Place) -> Place:
    """The place that a verdict is about, be it kept with its object or as claims."""
    return replace(place, schema="raw") if place.schema == "claims" else place


def _same_deliveries(project: Project, acceptance: Acceptance, plans: dict[Place, Plan]) -> bool:
    """Whether exactly these files were accepted before: then it is the contract that changed."""
    for place, plan in plans.items():
        accepted = project.store.accepted(place) if place.name in acceptance.tables else None
        if accepted is None or accepted.ingredients.get("delivery") != plan.ingredients["delivery"]:
            return False
    return True


def _rejected(plan: Plan, problems: list[str]) -> Sidecar:
    return Sidecar(
        table=plan.place.name,
        source=plan.place.source,
        wave=plan.place.wave,
        recipe=plan.recipe,
        ingredients=dict(plan.ingredients),
        content=None,
        rows=0,
        verdict="rejected",
        problems=problems,
    )
