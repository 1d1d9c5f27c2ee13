"""What an asset shows of how it is made, before it has run: files, SQL, estimator, and the lineage of its columns.

Long texts are Markdown, which Dagster opens in a dialog; keys are short, because Dagster does not break them.
"""

import inspect
import warnings
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from sqlglot.errors import SqlglotError

import pipelines
from pipelines.dagster.column_schema import table_schema
from pipelines.dagster.lineage import Origin, origins, origins_of
from pipelines.machine.visible import fenced, markdown
from pipelines.making.cells import WEIGHTS_ADDED
from pipelines.project.project import Project
from pipelines.project.respondents import CELLS, DESIGN_COLUMNS
from pipelines.project.selects import Select
from pipelines.project.sources import Source
from pipelines.report.estimators import ESTIMATORS, EVENT_ESTIMATORS, SETTINGS_NOT_READ
from pipelines.report.register import FRAMES
from pipelines.store import Sidecar

LINEAGE = "column lineage"

MOST_NAMED = 3
"""Of so many columns of one table each is quoted; of more, the first."""

PACKAGE = Path(pipelines.__file__).parent

NOT_TABLES = {
    "meta.this_wave": "source file",
    "study.age_bands": "study.yaml",
    **dict.fromkeys(FRAMES, "the register of published estimates"),
}
"""What a select reads beside tables, in words."""


def definition_metadata(project: Project, table: str) -> dict[str, Any]:
    """Metadata of the definition of a raw, core or report asset; unlike that of a run it is not stored every night."""
    contract = project.contracts[table]
    checks = project.checks.get(contract.table, ())
    metadata: dict[str, Any] = {
        "contract": f"version {contract.version}",
        "dagster/column_schema": table_schema(contract),
        "dagster/code_references": code_references(_files(project, table)),
    }
    if contract.schema == "raw":
        metadata |= _delivered(project.raw_source(table), contract.table)
    elif of_events := EVENT_ESTIMATORS.get(table):
        metadata["estimator"] = f"{of_events.__module__}.{of_events.__qualname__}"
    elif estimator := ESTIMATORS.get(table):
        metadata["estimator"] = f"{estimator.__module__}.{estimator.__qualname__}"
        metadata["dagster/column_lineage"] = _table_lineage(_estimated(project, table))
    elif table == CELLS:
        metadata["dagster/column_lineage"] = _table_lineage(_added(project))
    else:
        metadata |= {"sql": _sql(_selects(project, table).values())} | _selected(project, table)
    return metadata | ({"checks": _sql(checks)} if checks else {})


def read_by_estimator(project: Project, table: str, made: Mapping[str, Sidecar]) -> dict[str, Any]:
    """Metadata of a materialisation: what the estimator has read, by source, down to the delivered variables."""
    study = project.study
    read = study.table_of(table) or study.respondents
    variables = dict.fromkeys([*study.variables, *study.exposures, *study.adjustment])
    sections = {}
    for source, sidecar in made.items():
        made_from = origins_of(project, read, source) if sidecar.columns_read else {}
        ordered = [*(name for name in variables if name in sidecar.columns_read), *sidecar.columns_read]
        sections[source] = [
            (
                f"`{column}`",
                _role(project, column),
                _names(made_from.get(column, ()), MOST_NAMED),
                _texts(project, made_from.get(column, ())) if column in variables else "",
            )
            for column in dict.fromkeys(ordered)
        ]
    head = (f"read from {read}", "as", "delivered as", "what was asked")
    return {LINEAGE: _grids(head, sections)} if any(sections.values()) else {}


def _role(project: Project, column: str) -> str:
    study = project.study
    named: dict[str, Container[str]] = {"outcome": study.outcomes, "exposure": study.exposures, "adjustment": study.adjustment}
    roles = [role for role, columns in named.items() if column in columns]
    return ", ".join(roles) or ("design" if column in DESIGN_COLUMNS | {"wave"} else "description or population")


def _delivered(source: Source, table: str) -> dict[str, Any]:
    files = {wave: delivered.tables[table] for wave, delivered in source.waves.items() if table in delivered.tables}
    rows = {wave: "" if file.rows is None or source.is_restricted else f"{file.rows:,}" for wave, file in files.items()}
    records = [
        dg.TableRecord({"wave": wave, "file": Path(file.file).name, "rows published": rows[wave]}) for wave, file in files.items()
    ]
    metadata: dict[str, Any] = {"source": source.title, "delivered_files": dg.MetadataValue.table(records)}
    return metadata | ({"synthetic": "generated: describes no real person"} if source.is_synthetic else {})


def _selected(project: Project, table: str) -> dict[str, Any]:
    """The lineage of a table that is made by SQL. Where sqlglot cannot tell it, the table is made all the same."""
    try:
        if table.startswith("core."):
            found = {source: origins_of(project, table, source) for source in project.sources_of(table)}
        else:
            found = {source: origins(project, select) for source, select in _selects(project, table).items()}
    except (SqlglotError, ValueError):
        return {LINEAGE: "not known: it cannot be told from the SQL"}
    sections = {
        source: [
            (f"`{column}`", _names(made_from[column]), _texts(project, made_from[column]))
            for column in project.contracts[table].column_types()
            if column in made_from
        ]
        for source, made_from in found.items()
    }
    together: dict[str, set[Origin]] = {}
    for made_from in found.values():
        for column, of_select in made_from.items():
            together.setdefault(column, set()).update(of_select)
    return {
        LINEAGE: _grids(("column", "made from", "what was asked"), sections),
        "dagster/column_lineage": _table_lineage(together),
    }


def _estimated(project: Project, table: str) -> dict[str, list[Origin]]:
    """Columns that the respondents have too are theirs; numbers are made from the outcomes, and from the exposures if given.

    What an estimator is given of study.yaml is what SETTINGS_NOT_READ leaves.
    """
    study, respondents = project.study, project.study.respondents
    variables = [*study.outcomes, *([] if "exposures" in SETTINGS_NOT_READ[table] else study.exposures)]
    found = {}
    for column in project.contracts[table].columns:
        if column.name in project.contracts[respondents].column_types():
            found[column.name] = [Origin(respondents, column.name)]
        elif column.type in {"BIGINT", "DOUBLE"} and column.name not in type(study).model_fields:
            found[column.name] = [Origin(respondents, variable) for variable in variables]
    return found


def _added(project: Project) -> dict[str, list[Origin]]:
    """The columns that the cells take over from the respondents, and the sums of their weights."""
    respondents = project.study.respondents
    taken = [name for name in project.contracts[CELLS].column_types() if name in project.contracts[respondents].column_types()]
    found = {name: [Origin(respondents, name)] for name in taken}
    return found | {name: [Origin(respondents, weight)] for weight, names in WEIGHTS_ADDED.items() for name in names}


def _table_lineage(found: Mapping[str, Iterable[Origin]]) -> dg.TableColumnLineage:
    deps = {
        column: [
            dg.TableColumnDep(dg.AssetKey(origin.table.split(".")), origin.column)
            for origin in sorted(made_from)
            if origin.table not in NOT_TABLES
        ]
        for column, made_from in found.items()
    }
    return dg.TableColumnLineage({column: made_from for column, made_from in deps.items() if made_from})


def _selects(project: Project, table: str) -> dict[str, Select]:
    """The selects of a table by source; one that is for all sources stands under `all sources`."""
    selects = {name.partition("/"): select for name, select in [*project.vocabularies.items(), *project.selects.items()]}
    return {source or "all sources": select for (name, _, source), select in selects.items() if name == table}


def _names(made_from: Iterable[Origin], most: int | None = None) -> str:
    """Columns as `table: column, column`; of a table that has more than `most` of them only the first."""
    named = []
    for table, columns in _by_table(made_from).items():
        is_shortened = most is not None and len(columns) > most
        listed = ", ".join(f"`{column}`" for column in (columns[:1] if is_shortened else columns))
        more = f" and {len(columns) - 1} more" if is_shortened else ""
        named.append(f"{NOT_TABLES.get(table, table)}: {listed}{more}")
    return "; ".join(named) or "–"


def _texts(project: Project, made_from: Iterable[Origin]) -> str:
    """What was asked for these variables; what is described where nothing was asked."""
    found = [
        text
        for table, columns in _by_table(made_from).items()
        if table not in NOT_TABLES
        for text in _texts_of(project, table, columns)
    ]
    return "; ".join(found)


def _texts_of(project: Project, table: str, columns: Sequence[str]) -> Iterator[str]:
    for name in columns if len(columns) <= MOST_NAMED else columns[:1]:
        column = project.contracts[table].column(name)
        yield f"{name}: {column.question or column.description}"
    if len(columns) > MOST_NAMED:
        yield f"and {len(columns) - 1} more like it"


def _by_table(made_from: Iterable[Origin]) -> dict[str, list[str]]:
    tables: dict[str, list[str]] = {}
    for origin in made_from:
        tables.setdefault(origin.table, []).append(origin.column)
    return tables


def _sql(selects: Iterable[Select]) -> dg.MarkdownMetadataValue:
    shown = [f"**{markdown(select.name)}**\n\n{fenced(select.text.strip(), 'sql')}" for select in selects]
    return dg.MetadataValue.md("\n\n".join(shown))


def _grids(head: Sequence[str], sections: Mapping[str, Iterable[Sequence[str]]]) -> dg.MarkdownMetadataValue:
    """A table a source."""
    return dg.MetadataValue.md("\n\n".join(f"**{markdown(name)}**\n\n{grid(head, rows)}" for name, rows in sections.items()))


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(markdown(cell) for cell in cells)} |" for cells in lines)


def _files(project: Project, table: str) -> dict[Path, int | None]:
    """The files that a table is made by, and the line where it begins."""
    schema, name = table.split(".")
    settings = project.settings
    selects = [*_selects(project, table).values(), *project.checks.get(name, ())]
    files: dict[Path, int | None] = {settings.data_contracts / schema / f"{name}.odcs.yaml": None}
    files |= {path: None for select in selects if (path := settings.project / select.name).is_file()}
    if estimator := ESTIMATORS.get(table) or EVENT_ESTIMATORS.get(table):
        files |= {Path(inspect.getfile(estimator)): inspect.getsourcelines(estimator)[1]}
    if table == CELLS:
        files |= {PACKAGE / "core" / "cells.py": None}
    if schema == "raw":
        source = settings.data_contracts / "sources" / f"{project.raw_source(table).source}.yaml"
        files |= {source: None, PACKAGE / "raw" / "take_in.py": None}
    return files


def code_references(files: Mapping[Path, int | None]) -> dg.CodeReferencesMetadataValue:
    """Files, and lines in them, that Dagster offers to open in an editor."""
    with warnings.catch_warnings(action="ignore", category=dg.BetaWarning):
        return dg.CodeReferencesMetadataValue(
            code_references=[
                dg.LocalFileCodeReference(file_path=str(file.resolve()), line_number=line, label=file.name)
                for file, line in files.items()
            ]
        )
