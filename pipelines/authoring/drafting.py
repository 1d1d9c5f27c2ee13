"""Writing the drafts of a contract beside the others. What a draft says is in `authoring/draft.py`."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pipelines.authoring.draft import Draft, draft
from pipelines.authoring.draft_text import OTHER_TYPE, decision
from pipelines.authoring.guesses import guesses_of_form, has_decimal_commas
from pipelines.contracts.model import SUFFIX, load_contract
from pipelines.landing.readers.reading import read_delivery, sniff
from pipelines.machine.errors import WrongUsage
from pipelines.machine.settings import Settings
from pipelines.machine.visible import commanding, visible
from pipelines.project.form import Form
from pipelines.project.sources import SHARED_WAVE, load_source

NAME = re.compile(r"[a-z][a-z0-9_]*")
WAVE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Written:
    """The files that were written, and what is left to a person."""

    paths: tuple[Path, ...]
    next_steps: tuple[str, ...]


def write_draft(
    settings: Settings,
    path: Path,
    source: str,
    table: str,
    wave: str | None,
    told: Form,
    list_text_values: bool,
    only: Collection[str] = (),
    left_out: Collection[str] = (),
) -> Written:
    """Draft `raw.<table>` from a delivered file, with its codebook and, for a new source, the source's file.

    `told` is what a person says of the file's form; the rest is told from the file. `only` these columns are described, or all
    but those `left_out`. Raises WrongUsage where a name cannot be used, a file is there already, or the file cannot be drafted
    from; then nothing is written.
    """
    contract_path = settings.data_contracts / "raw" / f"{table}{SUFFIX}"
    codebook_path = settings.data_contracts / "codebooks" / f"{table}.csv"
    source_path = settings.data_contracts / "sources" / f"{source}.yaml"
    _check_names(source, table, wave)
    for existing in (contract_path, codebook_path):
        if existing.exists():
            raise WrongUsage(f"{existing} is there already and is not overwritten: edit it, or remove it first")
    wave = wave or _only_wave(source_path)
    form = sniff(path, told, settings).model_copy(update={name: getattr(told, name) for name in told.model_fields_set})
    delivered = read_delivery(path, form, settings)
    is_decimal_guessed = "decimal" not in told.model_fields_set
    if is_decimal_guessed and not any(has_decimal_commas(values) for values in delivered.frame):
        form = form.model_copy(update={"decimal": "."})
    landed = _in_landing(settings, source, wave, path)
    for text in (landed, *map(str, form.model_dump().values())):
        if commanding(text):
            raise WrongUsage(f"{visible(text)} holds a character that is not seen: rename the file, or its sheet or member")
    drafted = draft(
        delivered.frame,
        table=table,
        source=source,
        wave=wave,
        file=landed,
        form=form.declaration() if form != Form() else "",
        form_todo=guesses_of_form(delivered.frame, form, told),
        decimal=form.decimal,
        is_decimal_guessed=is_decimal_guessed,
        column_labels=delivered.column_labels,
        value_labels=delivered.value_labels,
        list_text_values=list_text_values,
        only=only,
        left_out=left_out,
        column_faults=delivered.column_faults,
        column_units=delivered.column_units,
        column_notes=delivered.column_notes,
        declared_missing=delivered.declared_missing,
    )
    texts = {contract_path: drafted.contract}
    if drafted.codebook:
        texts[codebook_path] = drafted.codebook
    has_source = source_path.exists()
    if not has_source:
        texts[source_path] = drafted.source
    for place, text in texts.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("x", encoding="utf-8") as file:
            file.write(text)
    load_contract(contract_path, codebook_path.parent)
    if not has_source:
        load_source(source_path)
    steps = _next_steps(settings, path, drafted, source_path if has_source else None, source, table, wave)
    return Written(tuple(texts), (*delivered.notes, *steps))


def _check_names(source: str, table: str, wave: str | None) -> None:
    for what, name in (("source", source), ("table", table)):
        if NAME.fullmatch(name) is None:
            raise WrongUsage(f"{name!r} cannot name a {what}: use small letters, digits and _, a letter first")
    if wave is not None and WAVE.fullmatch(wave) is None:
        raise WrongUsage(f"{wave!r} cannot name a wave: use letters, digits, dots, _ and -")


def _only_wave(source_path: Path) -> str:
    """The wave of a source that has just one."""
    waves = list(load_source(source_path).waves) if source_path.exists() else []
    if len(waves) == 1:
        return waves[0]
    known = (
        f"one of {', '.join(waves)}, or a new one"
        if waves
        else f"such as 2024; `{SHARED_WAVE}` is for tables that all waves share"
    )
    raise WrongUsage(f"give --wave: the wave of {source_path.stem} that the file belongs to, {known}")


def _in_landing(settings: Settings, source: str, wave: str, path: Path) -> str:
    """Where the file lies below the source's folder in landing, or should be put."""
    folder = (settings.landing_folder / source).resolve()
    if path.resolve().is_relative_to(folder):
        return path.resolve().relative_to(folder).as_posix()
    return f"{wave}/{path.name}"


def _next_steps(
    settings: Settings, path: Path, drafted: Draft, existing: Path | None, source: str, table: str, wave: str
) -> list[str]:
    contracts = settings.data_contracts.name
    steps = []
    if existing:
        lines = "\n      ".join([*map(decision, drafted.form_todo), drafted.source_line])
        steps.append(f"name the table in {contracts}/sources/{existing.name}, under waves: {wave}: tables:\n      {lines}")
    else:
        steps.append(f"decide the TODO lines of {contracts}/sources/{source}.yaml: design, terms of use, citation")
    steps.append(f"decide the TODO lines of {contracts}/raw/{table}{SUFFIX}: what one row is, the key, required, ranges, units")
    steps += [f"{line}: it is left out (columnsLeftOut), or {OTHER_TYPE}" for line in drafted.undescribed]
    if drafted.codebook:
        steps.append(f"give meanings and kinds of missing in {contracts}/codebooks/{table}.csv for {', '.join(drafted.coded)}")
    steps.append("cramp-atlas contract lint lists what is left")
    steps.append(f"cramp-atlas contract test {path} --table raw.{table} --wave {wave} judges the file by it")
    if not existing:
        steps.append(f"write sql/core/respondents/{source}.sql, which puts the respondents into the vocabulary of the study")
    return steps
