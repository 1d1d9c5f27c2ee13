"""The questions that `sql/queries/` answers, and how DuckDB's own command line is started on the published warehouse.

Nothing in here runs SQL: the command line does, read-only.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.machine.errors import ConfigurationError, CrampAtlasError, WrongUsage
from pipelines.machine.quoting import identifier, literal
from pipelines.machine.visible import commanding
from pipelines.release.whereabouts import variables_of

COMMENT = "-- "
SETTINGS = "settings: "
NAME = re.compile(r"[a-z][a-z0-9_]*")
FORMATS = ("duckbox", "csv", "json", "markdown", "line")
"""Output modes of DuckDB's command line that are offered; duckbox is the one it has of itself."""


@dataclass(frozen=True)
class Query:
    """One file: its name, the question, how to read the answer, and what may be set with the value it has otherwise."""

    name: str
    path: Path
    question: str
    how_to_read: str
    settings: Mapping[str, str]


def load_queries(folder: Path) -> dict[str, Query]:
    """Name -> query, in order; raises ConfigurationError that names the file which does not begin with a question."""
    return {path.stem: _read(path) for path in sorted(folder.glob("*.sql"))}


def _read(path: Path) -> Query:
    comments: list[str] = []
    for line in _text(path).splitlines():
        if not line.startswith(COMMENT):
            break
        comments.append(line.removeprefix(COMMENT).strip())
    settings = [line.removeprefix(SETTINGS) for line in comments if line.startswith(SETTINGS)]
    question, *how_to_read = [line for line in comments if not line.startswith(SETTINGS)] or [""]
    if not question.endswith("?") or not how_to_read:
        raise ConfigurationError(f"sql/queries/{path.name} must begin with a question, and a line on how to read the answer")
    values = dict(parse_setting(setting) for line in settings for setting in line.split(", "))
    return Query(path.stem, path, question, " ".join(how_to_read), values)


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"sql/queries/{path.name}: byte {error.start} is not UTF-8. Save the file as UTF-8.") from error
    if letter := commanding(text):
        raise ConfigurationError(f"sql/queries/{path.name}, {letter}.")
    return text


def parse_setting(text: str) -> tuple[str, str]:
    """`name=value` as a pair; raises WrongUsage for anything else."""
    name, separator, value = text.partition("=")
    if not separator or not NAME.fullmatch(name):
        raise WrongUsage(f"{text} is no setting: write name=value, such as column=age_years")
    return name, value


def prompt_command(database: Path) -> list[str]:
    """DuckDB's command line, read-only on the published warehouse; raises CrampAtlasError where nothing is published."""
    if not database.exists():
        raise CrampAtlasError(f"{database} does not exist yet: run cramp-atlas refresh")
    before = [argument for command in variables_of(database) for argument in ("-cmd", command)]
    return [str(Path(sys.executable).with_name("duckdb")), "-readonly", *before, str(database)]


def query_command(query: Query, settings: Sequence[str], output: str, database: Path) -> list[str]:
    """The command that answers one query; raises WrongUsage for a setting or format that is not there."""
    if output not in FORMATS:
        raise WrongUsage(f"there is no format {output}; there are: {', '.join(FORMATS)}")
    wanted = dict(parse_setting(setting) for setting in settings)
    unknown = sorted(wanted.keys() - query.settings.keys())
    if unknown:
        known = ", ".join(f"{name}={value}" for name, value in query.settings.items()) or "none"
        raise WrongUsage(f"{query.name} has no setting {', '.join(unknown)}; there are: {known}")
    variables = [f"set variable {identifier(name)} = {literal(value)}" for name, value in wanted.items()]
    before = [argument for command in (*variables, f".mode {output}", ".maxrows -1") for argument in ("-cmd", command)]
    return [*prompt_command(database), "-bail", *before, "-f", str(query.path)]
