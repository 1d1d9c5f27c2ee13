"""What an asset shows of how it is made, before it has run: files, SQL, estimator, and the lineage of its columns."""

import inspect
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from sqlglot.errors import SqlglotError

import pipelines
from pipelines.contracts.dagster_schema import table_schema
from pipelines.estimates import ESTIMATORS, SETTINGS_NOT_READ
from pipelines.lineage import Origin, origins
from pipelines.project import Project, Select
from pipelines.sources import Source
from pipelines.store import Sidecar

LINEAGE = "column lineage"

MOST_TEXTS = 3
"""Of so many columns of one table the question is quoted; of more, that of the first."""

INGEST = Path(pipelines.__file__).parent / "ingest.py"


def definition_metadata(project: Project, table: str) -> dict[str, Any]:
    """Metadata of the definition of a raw, core or report asset; it is not stored with every run."""
    contract = project.contracts[table]
    metadata: dict[str, Any] = {
        "contract": f"data_contracts/{contract.schema}/{contract.table}.odcs.yaml, version {contract.version}",
        "dagster/column_schema": table_schema(contract),
        "dagster/code_references": _code_references(project, table),
    }
    if contract.schema == "raw":
        metadata |= _delivered(project.raw_source(table), contract.table)
    elif table in ESTIMATORS:
        metadata["estimator"] = f"{_name(ESTIMATORS[table])} in {_below(INGEST.parent.parent, _file(ESTIMATORS[table]))}"
        metadata["dagster/column_lineage"] = _table_lineage(_estimated(project, table))
    else:
        metadata |= _selected(project, table)
    selects = [*_selects(project, table).values(), *project.checks.get(contract.table, ())]
    return metadata | {select.name: _sql(select) for select in selects}


def read_by_estimator(project: Project, made: Mapping[str, Sidecar]) -> dict[str, Any]:
    """Metadata of a materialisation: the columns that the estimator has read, by source, down to the delivered variables."""
    columns = {column for sidecar in made.values() for column in sidecar.columns_read}
    if not columns:
        return {}
    study = project.study
    roles: dict[str, Collection[str]] = {"outcome": study.outcomes, "exposure": study.exposures, "adjustment": study.adjustment}
    ordered = dict.fromkeys([*(name for names in roles.values() for name in names), *sorted(columns)])
    rows = []
    for column in (name for name in ordered if name in columns):
        role = ", ".join(role for role, names in roles.items() if column in names) or "who is counted, and design"
        for source, sidecar in made.items():
            if column in sidecar.columns_read:
                found = origins(project, project.selects[f"{study.respondents}/{source}"])
                made_from = found.get(column)
                asked = _texts(project, made_from) if made_from and column in study.variables else ""
                rows.append((f"`{column}`", role, source, _shortly(made_from) if made_from else "not asked", asked))
    return {LINEAGE: _grid((f"read from {study.respondents}", "as", "source", "delivered as", "what was asked"), rows)}


def _delivered(source: Source, table: str) -> dict[str, Any]:
    files = [
        {"wave": wave, "file": file.file, "rows published": "" if file.rows is None else f"{file.rows:,}"}
        for wave, delivered in source.waves.items()
        if (file := delivered.tables.get(table))
    ]
    metadata: dict[str, Any] = {
        "source": f"{source.title} (data_contracts/sources/{source.source}.yaml)",
        "delivered_files": dg.MetadataValue.table([dg.TableRecord(file) for file in files]),
    }
    return metadata | ({"synthetic": "generated: describes no real person"} if source.is_synthetic else {})


def _selected(project: Project, table: str) -> dict[str, Any]:
    """The lineage of a table that is made by SQL. Where sqlglot cannot tell it, the table is made all the same."""
    try:
        found = {source: origins(project, select) for source, select in _selects(project, table).items()}
    except (SqlglotError, ValueError) as error:
        return {LINEAGE: f"not known: {error}"}
    rows = [
        (f"`{column}`", source, _names(made_from[column]), _texts(project, made_from[column]))
        for column in project.contracts[table].column_types()
        for source, made_from in found.items()
        if column in made_from
    ]
    together: dict[str, set[Origin]] = {}
    for of_select in found.values():
        for column, made_from in of_select.items():
            together.setdefault(column, set()).update(made_from)
    return {
        LINEAGE: _grid(("column", "source", "made from", "what was asked"), rows),
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


def _table_lineage(found: Mapping[str, Iterable[Origin]]) -> dg.TableColumnLineage:
    deps = {
        column: [
            dg.TableColumnDep(dg.AssetKey(origin.table.split(".")), origin.column)
            for origin in sorted(made_from)
            if origin.table.partition(".")[0] in {"raw", "core", "report"}
        ]
        for column, made_from in found.items()
    }
    return dg.TableColumnLineage({column: made_from for column, made_from in deps.items() if made_from})


def _selects(project: Project, table: str) -> dict[str, Select]:
    """The selects of a table by source; one that is for all sources stands under `all`."""
    return {
        name.partition("/")[2] or "all": select for name, select in project.selects.items() if name.partition("/")[0] == table
    }


def _names(made_from: Sequence[Origin]) -> str:
    by_table = _by_table(made_from)
    named = [f"{table}: {', '.join(f'`{column}`' for column in columns)}" for table, columns in by_table.items()]
    return "; ".join(named) or "a constant"


def _shortly(made_from: Sequence[Origin]) -> str:
    by_table = _by_table(made_from)
    named = {table: columns if len(columns) <= MOST_TEXTS else columns[:1] for table, columns in by_table.items()}
    return "; ".join(
        f"{table}: {', '.join(f'`{column}`' for column in columns)}"
        + (f" and {len(by_table[table]) - 1} more" if len(columns) < len(by_table[table]) else "")
        for table, columns in named.items()
    )


def _texts(project: Project, made_from: Sequence[Origin]) -> str:
    return "; ".join(
        text
        for table, columns in _by_table(made_from).items()
        if table in project.contracts
        for text in _texts_of(project, table, columns)
    )


def _texts_of(project: Project, table: str, columns: Sequence[str]) -> Iterator[str]:
    for name in columns if len(columns) <= MOST_TEXTS else columns[:1]:
        column = project.contracts[table].column(name)
        yield f"{name}: {column.question or column.description}"
    if len(columns) > MOST_TEXTS:
        yield f"and {len(columns) - 1} more like it"


def _by_table(made_from: Iterable[Origin]) -> dict[str, list[str]]:
    tables: dict[str, list[str]] = {}
    for origin in made_from:
        tables.setdefault(origin.table, []).append(origin.column)
    return tables


def _sql(select: Select) -> dg.MarkdownMetadataValue:
    return dg.MetadataValue.md(f"```sql\n{select.text.strip()}\n```")


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> dg.MarkdownMetadataValue:
    """A table in Markdown, which Dagster shows in a dialog: lineage has too many rows for the page."""
    lines = [head, ["---"] * len(head), *rows]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(_cell(cell) for cell in cells)} |" for cells in lines))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _code_references(project: Project, table: str) -> dg.CodeReferencesMetadataValue:
    """The files that an asset is made by, to open in an editor."""
    root = project.settings.project
    schema, name = table.split(".")
    files: dict[Path, int | None] = {project.settings.data_contracts / schema / f"{name}.odcs.yaml": None}
    selects = [*_selects(project, table).values(), *project.checks.get(name, ())]
    files |= {project.settings.sql.parent / select.name: None for select in selects}
    if table in ESTIMATORS:
        files |= {_file(ESTIMATORS[table]): inspect.getsourcelines(ESTIMATORS[table])[1]}
    if schema == "raw":
        files |= {project.settings.data_contracts / "sources" / f"{project.raw_source(table).source}.yaml": None, INGEST: None}
    with warnings.catch_warnings(action="ignore", category=dg.BetaWarning):
        return dg.CodeReferencesMetadataValue(
            code_references=[
                dg.LocalFileCodeReference(file_path=str(file.resolve()), line_number=line, label=_below(root, file))
                for file, line in files.items()
            ]
        )


def _name(function: Any) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _file(function: Any) -> Path:
    return Path(inspect.getfile(function))


def _below(root: Path, file: Path) -> str:
    """The path of a file inside a project or beside the package, as people write it."""
    base = root if file.is_relative_to(root) else Path(pipelines.__file__).parent.parent
    return str(file.relative_to(base))
