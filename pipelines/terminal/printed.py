"""Releases, changes and passports as a person reads them in a terminal."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import polars as pl
from rich.console import Console
from rich.table import Table

from pipelines.machine.errors import CrampAtlasError
from pipelines.project.project import Project
from pipelines.release.changes import by_table, furthest_first
from pipelines.release.kept import current_release, held_release, manifest_of, releases_folder

SHOWN_OF_A_HASH = 12

Row = dict[str, Any]


def print_release(project: Project, manifest: Mapping[str, Any], console: Console) -> None:
    release_id = manifest["release_id"]
    folder = releases_folder(project) / release_id
    seen = " (readers see it)" if release_id == current_release(project) else ""
    held = " (held by a rollback: cramp-atlas releases resume)" if release_id == held_release(project) else ""
    _say(console, f"release {release_id}{seen}{held}")
    _say(console, f"published {manifest['published_at']}, compared with {manifest.get('compared_with') or 'none'}")
    _say(console, f"content {manifest['content_hash']}")
    if code := manifest.get("code"):
        _say(console, f"code: cramp-atlas {code['package']}, SHA-256 {code['sha256']}")
    rules = ", ".join(f"{count} {status}" for status, count in manifest.get("rules", {}).items())
    _say(console, f"rules judged: {rules or 'not recorded'}")
    for row in manifest.get("rejected", []):
        state = "stale" if row["is_stale"] else "not published"
        _say(console, f"held back: {row['source']} {row['wave']}, {row['held_back']} ({row['cause']}): {state}")
    if not manifest.get("rejected"):
        _say(console, "held back: nothing")
    _print_objects(manifest, console)
    for entry in manifest.get("rests_on", []):
        _say(console, f"not in the release, but it rests on it: {entry['place']} {entry['content'][:SHOWN_OF_A_HASH]}")
    _say(console, "contracts: " + ", ".join(f"{name} {version}" for name, version in manifest["contracts"].items()))
    sizes = {name: (folder / name).stat().st_size for name in manifest["files"] if (folder / name).exists()}
    shown = ", ".join(f"{name} {size / 1e6:,.2f} MB" for name, size in sizes.items())
    _say(console, f"files: {sum(sizes.values()) / 1e6:,.2f} MB ({shown})")


def _print_objects(manifest: Mapping[str, Any], console: Console) -> None:
    """Each object that holds something, and under it what it rests on."""
    for entry in manifest["objects"]:
        if entry["verdict"] == "accepted":
            content = (entry["content"] or "nothing")[:SHOWN_OF_A_HASH]
            rows = "rows not told" if entry["rows"] is None else f"{entry['rows']:,} rows"
            _say(console, f"{entry['place']}: {rows}, {content}")
            for name, made_from in entry.get("inputs", {}).items():
                _say(console, f"  rests on {name}, {made_from[:SHOWN_OF_A_HASH]}")
    n_empty = sum(entry["verdict"] != "accepted" for entry in manifest["objects"])
    if n_empty:
        _say(console, f"{n_empty} more objects are empty: of these sources nothing was delivered")


def print_changes(changes: pl.DataFrame, limit: int, console: Console) -> None:
    """What moved by table and source with its ingredients, then the changes, the largest in standard errors first."""
    if changes.is_empty():
        _say(console, "no number of a report table differs")
        return
    for row in by_table(changes).iter_rows(named=True):
        furthest = "" if row["furthest"] is None else f" (by at most {row['furthest']:.2g} standard errors)"
        counted = f"{row['changed']:,} numbers changed{furthest}, {row['added']:,} rows new, {row['vanished']:,} gone"
        _say(console, f"{row['table_name']} {row['source'] or ''}: {counted}; differs: {row['ingredient']}")
    ordered = furthest_first(changes)
    table = Table(title="The largest first" if 0 < limit < changes.height else None, title_justify="left")
    for heading in ("table, row", "column", "before", "after", "in standard errors"):
        table.add_column(heading, justify="left" if heading in {"table, row", "column"} else "right", overflow="fold")
    for row in (ordered.head(limit) if limit else ordered).iter_rows(named=True):
        name = f"{row['table_name']} {row['source'] or ''}: {row['row_key']}"
        column = row["column_name"] or f"(row {row['change']})"
        table.add_row(
            name, column, *(_number(row[side]) for side in ("before", "after")), _number(row["difference_in_se"], "+.2f")
        )
    console.print(table)
    if 0 < limit < changes.height:
        _say(console, f"{changes.height - limit:,} more: --limit 0 prints them all")


def _number(value: float | None, form: str = ".6g") -> str:
    return "–" if value is None else format(value, form)


def read_passports(project: Project, table: str, source: str | None, release_id: str | None) -> list[Row]:
    """The passports of a table in a release, of one source or of all; raises CrampAtlasError for a release without passports."""
    manifest = manifest_of(project, release_id)
    database = releases_folder(project) / manifest["release_id"] / "epi_public.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        try:
            rows = connection.sql("select * from meta.passports order by table_name, source, wave").pl()
        except duckdb.CatalogException as error:
            raise CrampAtlasError(f"release {manifest['release_id']} was published before there were passports") from error
    return [row for row in rows.to_dicts() if row["table_name"] == table and source in {None, row["source"]}]


def print_passports(passports: Sequence[Row], console: Console) -> None:
    for row in passports:
        _say(console, f"{row['table_name']} {row['source']} {row['wave']}: {row['n_rows']:,} rows, {row['verdict']}")
        _say(console, f"  made {row['made_at']:%Y-%m-%d %H:%M} UTC by {row['made_by']}, cramp-atlas {row['package_version']}")
        _say(console, f"  content {row['content']}")
        _say(console, f"  recipe {row['recipe']}, code {row['code'] or '–'}")
        _say(console, f"  libraries {row['libraries'] or '–'}")
        for made_from in json.loads(row["inputs"]):
            _say(console, f"  from {made_from['object']} {made_from['sha256']}")
        for delivery in json.loads(row["deliveries"]):
            counted = f"{delivery['received']:,} records received, {delivery['set_aside']:,} set aside"
            _say(console, f"  delivered {delivery['object']}: {counted}; SHA-256 {delivery['sha256']}")
        for part in json.loads(row["exclusions"]):
            domain = f"{part['wave']} {part['population']}, {part['outcome']}: {part['respondents']:,} respondents"
            answers = f"{part['no_answer']:,} without an answer, {part['with_answer']:,} with one"
            _say(console, f"  {domain}, {part['out_of_scope']:,} out of scope, {answers}")
        versions = json.loads(row["contracts"])
        _say(console, "  contracts " + ", ".join(f"{name} {version}" for name, version in versions.items()))
        settings = {name: value for name, value in json.loads(row["ingredients"]).items() if name.startswith("study.yaml: ")}
        for name, value in settings.items():
            _say(console, f"  {name} = {value}")
        for line in (row["sql_text"] or "").splitlines():
            _say(console, f"  | {line}")


def _say(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True)
