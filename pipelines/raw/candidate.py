"""One delivered file as a candidate: read, conformed and judged."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import pyarrow as pa

from pipelines.contracts.expectations import RuleResult, SchemaProblems
from pipelines.contracts.model import Contract
from pipelines.contracts.rules import READING
from pipelines.landing.finding import delivered_file
from pipelines.landing.readers.delivered import Delivered, DeliveryUnreadable, NotReadNow, UnreadableHere
from pipelines.landing.readers.desk import temporary_folder
from pipelines.landing.readers.reading import frames_in, read_delivery
from pipelines.making.judging import as_records, judge_contract, problems_of
from pipelines.project.form import Form
from pipelines.project.project import Project
from pipelines.raw.conform import Found, conform, is_left_out
from pipelines.raw.set_aside import set_aside
from pipelines.store import Sidecar
from pipelines.store.recipe import Plan
from pipelines.store.row_groups import in_row_groups


def candidate(project: Project, plan: Plan, path: Path, hear: Callable[[Delivered], None] | None = None) -> Sidecar:
    """Read, conform and judge one file; every problem of the file is in the sidecar. `hear` is given what was read."""
    place = plan.place
    contract = project.contracts[place.name]
    delivered = delivered_file(project, place)
    try:
        with temporary_folder(project.settings.warehouse_folder / "spill") as folder:
            received = read_delivery(
                path,
                delivered.form,
                project.settings,
                within=project.settings.landing_folder,
                n_records=delivered.rows,
                sha256=plan.ingredients["delivery"],
                rows_into=folder,
            )
            if hear:
                hear(received)
            conformed = _conformed(folder, received, contract, place.wave, delivered.form)
            content, rows = project.store.write(place, in_row_groups(conformed, contract.arrow_schema()))
    except NotReadNow:
        raise
    except (DeliveryUnreadable, SchemaProblems) as error:
        problems = error.problems if isinstance(error, SchemaProblems) else [str(error)]
        told = [f"{place.name} {place.wave}: {problem}" for problem in problems]
        return plan.sidecar(problems=told, is_final=not isinstance(error, UnreadableHere))
    problems = []
    if delivered.rows is not None and rows != delivered.rows:
        problems.append(
            f"{place.name} {place.wave}: {delivered.file} has {rows:,} rows where {delivered.rows:,} are published: "
            "the file is cut or is another release; fetch it again"
        )
    n_delivered = rows
    results = [*_told(received.notes), *judge_contract(project, place, project.store.path(place, content))]
    problems += problems_of(place, results)
    aside = None
    n_aside = 0
    if not problems and any(result.severity == "set_aside" and result.status == "failed" for result in results):
        content, rows, aside, n_aside = set_aside(project, place, content)
        if n_aside > _exact(contract.max_share_set_aside) * n_delivered:
            percent = f"{float(100 * _exact(contract.max_share_set_aside)):g} %"
            problems.append(
                f"{place.name} {place.wave}: {n_aside:,} of {n_delivered:,} records would be set aside, more than {percent} "
                "(maxShareSetAside of the contract): the delivery is rejected as a whole; ask the provider for a corrected file"
            )
    return plan.sidecar(
        content=content,
        rows=rows,
        delivered_columns={name: str(kind) for name, kind in received.frame.schema.items() if not is_left_out(name, contract)},
        problems=problems,
        results=as_records(results),
        rejected_rows=aside,
        n_rejected_rows=n_aside,
    )


def _conformed(folder: Path, received: Delivered, contract: Contract, wave: str, form: Form) -> Iterator[pa.Table]:
    """The pieces as the contract promises; no more of them where anything is wrong, which is raised after the last."""
    found = Found()
    for frame in frames_in(folder, received):
        table = conform(frame, contract, wave, form.decimal, received.column_faults, form.missing, found)
        if not found.problems(contract):
            yield table
    if problems := found.problems(contract):
        raise SchemaProblems(problems)


def _told(notes: Sequence[str]) -> list[RuleResult]:
    """What the reader leaves to a person about this file, as warnings beside the rules."""
    return [
        RuleResult(
            rule_id=f"{READING}.{number}",
            column=None,
            severity="warn",
            status="failed",
            n_checked=0,
            n_failed=0,
            description=f"Nothing of the file is left to decide: {note}",
            detail=note,
            threshold="no note of the reader",
            dimension="conformity",
            query=None,
        )
        for number, note in enumerate(notes, start=1)
    ]


def _exact(share: float) -> Fraction:
    """A share as it is written in a contract: 29 of 100 is not more than 0.29, as it would be in floating point."""
    return Fraction(str(share))
