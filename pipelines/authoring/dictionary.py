"""The data dictionary: what the contracts say, as pages that are read on GitHub. Nothing in it is written a second time."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.contracts.rules import Rule
from pipelines.project.project import Project
from pipelines.project.sources import Source

FOLDER = Path("docs") / "data_dictionary"

SCHEMAS = {
    "raw": "Records as delivered, one table a delivered file.",
    "core": "Respondents of every source in one vocabulary.",
    "report": "Counts and estimates: what is published.",
    "meta": "What was delivered, judged, set aside and described.",
}

SEVERITIES = {
    "reject": "the delivery is rejected",
    "set_aside": "the record is set aside",
    "warn": "a warning",
}
"""What happens where a rule is broken."""

WRITTEN_IN_A_URL = "%/:=&?~#+!$,;'@"
"""What a URL may hold as it is; brackets would end its link."""

MADE_BY = "Written by `make docs` from `data_contracts/`; do not edit."


def pages(project: Project) -> dict[str, str]:
    """File name -> text of every page."""
    found = {"README.md": _index(project)}
    for schema, about in SCHEMAS.items():
        tables = [project.contracts[name] for name in sorted(project.tables(schema))]
        blocks = [f"# {schema}", f"{about} {MADE_BY}", _contents(tables)]
        blocks += [block for contract in tables for block in _table(contract, _source_of(project, contract))]
        found[f"{schema}.md"] = "\n\n".join(blocks) + "\n"
    return found


def outdated(project: Project, folder: Path) -> list[str]:
    """The pages whose file is not what would be written, and files that are no page."""
    wanted = pages(project)
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def write_pages(project: Project, folder: Path) -> list[str]:
    """Write the pages that are not up to date and remove those of schemas that are gone; returns their names."""
    wanted = pages(project)
    changed = outdated(project, folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in changed:
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return changed


def _source_of(project: Project, contract: Contract) -> Source | None:
    return project.raw_source(contract.name) if contract.schema == "raw" else None


def _index(project: Project) -> str:
    rows = [
        (f"[{contract.name}]({contract.schema}.md#{_anchor(contract)})", contract.version, _prose(contract.description))
        for schema in SCHEMAS
        for contract in (project.contracts[name] for name in sorted(project.tables(schema)))
    ]
    blocks = [
        "# Data dictionary",
        f"Every table of a release, column by column. {MADE_BY} The same stands in the warehouse: `meta.columns`, `meta.codes`, "
        "and the comments on tables and columns.",
        _grid(("table", "contract", "what it holds"), rows),
    ]
    return "\n\n".join(blocks) + "\n"


def _contents(tables: Iterable[Contract]) -> str:
    return _grid(
        ("table", "what it holds"),
        [(f"[{contract.name}](#{_anchor(contract)})", _prose(contract.description)) for contract in tables],
    )


def _anchor(contract: Contract) -> str:
    """As GitHub makes it of the heading."""
    return contract.name.replace(".", "").lower()


def _table(contract: Contract, source: Source | None) -> Iterator[str]:
    yield f"## {contract.name}"
    yield _prose(f"{contract.title}. {contract.purpose}")
    yield _grid(("", ""), _facts(contract, source))
    yield _grid(
        ("column", "type", "unit", "required", "what it holds"), [_column_row(contract, column) for column in contract.columns]
    )
    if contract.left_out:
        yield f"Delivered as well, and not taken in: {', '.join(map(_code, contract.left_out))}."
    yield from _rules(contract)
    yield from _codes(contract)
    yield from _comparability(contract)


def _facts(contract: Contract, source: Source | None) -> Iterator[tuple[str, str]]:
    yield "grain", _prose(contract.description)
    yield (
        "key",
        ", ".join(f"`{name}`" for name in contract.key) or _prose(f"none: {contract.no_key_because or 'no reason given'}"),
    )
    yield "contract", f"version {contract.version}"
    if source:
        yield "source", _prose(f"{source.title} (`{source.source}`, design {source.design}, {source.classification})")
        yield "waves", ", ".join(source.waves_of(contract.table))
        yield "cite as", _prose(source.citation)
    if contract.usage or source:
        yield "terms", _prose(contract.usage or (source.terms_of_use if source else ""))
    if contract.links:
        yield "links", ", ".join(_link(f"{kind}: {url.rsplit('/', 1)[-1] or url}", url) for kind, url in contract.links)


def _column_row(contract: Contract, column: Column) -> tuple[str, ...]:
    parts = [_prose(column.description)]
    if column.question:
        parts.append(f"<br>*{_prose(column.question)}*")
    if column.codebook_variable:
        coded = f"Coded as `{column.codebook_variable}`." if column.codebook_variable != column.name else "Coded."
        parts.append(f"<br>{coded}")
    if column.label:
        parts.append(f"<br>Called: {_prose(column.label)}.")
    if column.levels:
        parts.append(f"<br>Said as: {', '.join(f'{_code(level)} {_prose(words)}' for level, words in column.levels)}.")
    if column.waves:
        parts.append(f"<br>Only in {', '.join(column.waves)}.")
    if column.classification:
        parts.append(f"<br>Classification: {column.classification}.")
    return _code(column.name), column.type, _prose(column.unit or ""), "yes" if column.required else "", " ".join(parts)


def _rules(contract: Contract) -> Iterator[str]:
    """Rules in words; that a value is given stands in the list of columns."""
    rows = [
        (_prose(rule.description), SEVERITIES[rule.severity])
        for rule in contract.rules
        if not _says_required(rule) or rule.severity != "reject"
    ]
    if rows:
        yield _folded(f"Rules: {len(rows)}", _grid(("what must hold", "otherwise"), rows))


def _says_required(rule: Rule) -> bool:
    return rule.expectation == "expect_column_values_to_not_be_null"


def _codes(contract: Contract) -> Iterator[str]:
    if contract.codebook is None:
        return
    codes = contract.codebook.codes
    rows = [
        (
            _code(code.variable),
            _code(code.received),
            _code(code.code) if code.code else "",
            _prose(code.meaning),
            code.kind_of_missing or "",
        )
        for code in codes
    ]
    summary = f"Codes: {len(codes)} of {len(contract.codebook.variables)} variables"
    yield _folded(summary, _grid(("variable", "received", "code here", "meaning", "kind of missing"), rows))


def _comparability(contract: Contract) -> Iterator[str]:
    if contract.comparability:
        yield "Whether waves can be compared:"
        yield _grid(
            ("source", "variables", "waves", "verdict", "why"),
            [
                (
                    entry.source,
                    ", ".join(f"`{name}`" for name in entry.variables),
                    ", ".join(entry.waves),
                    f"{entry.verdict} where {_code(entry.where)}" if entry.where else entry.verdict,
                    f"{_prose(entry.reason)} {_reference(entry.reference)}",
                )
                for entry in contract.comparability
            ],
        )


def _reference(text: str) -> str:
    return f"({_link('reference', text)})" if text.startswith("http") else f"({_prose(text)})"


def _link(words: str, url: str) -> str:
    """A link to a page; what is no address of one stays text."""
    shown = _prose(words)
    return (
        f"[{shown}]({quote(url, safe=WRITTEN_IN_A_URL)})"
        if url.startswith(("https://", "http://"))
        else f"{shown}: {_prose(url)}"
    )


def _grid(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _folded(summary: str, block: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{block}\n\n</details>"


def _code(text: str) -> str:
    """A name or a value as it is written."""
    return _prose(text) if "`" in text else "`" + text.replace("|", "\\|") + "`"


def _prose(text: str) -> str:
    """Text of a contract on one line of a table, where no character of it is taken for markup."""
    escaped = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("*", "\\*")
    return escaped.replace("[", "\\[")
