"""The three doors to a release: SQL, the terminal and Python."""

import json
from collections.abc import Mapping
from typing import Any

import duckdb
import polars as pl
from typer.testing import CliRunner

from pipelines import ask
from pipelines.machine.quoting import literal
from pipelines.terminal.cli import app
from tests.atlas import Atlas

OPTIONS = ("by", "adjust", "interaction", "where", "source", "wave", "weight", "reference")

Question = Mapping[str, Any]


def in_sql(connection: duckdb.DuckDBPyConnection, question: Question) -> list[dict[str, Any]]:
    """By the macro of the question's measure."""
    named = {"condition" if name == "where" else name: question.get(name) for name in ("by", "where", "source", "wave", "weight")}
    named["reference"] = question.get("reference")
    said = [literal(question["outcome"]), *([literal(question["exposure"])] if question.get("exposure") else [])]
    said += [f'"{name}" := {literal(value)}' for name, value in named.items() if value]
    with connection.cursor() as cursor:
        return cursor.execute(f"from ask.{question['measure']}({', '.join(said)})").pl().to_dicts()


def in_python(atlas: Atlas, question: Question) -> ask.Answer:
    """By the function of the question's measure."""
    measure = str(question["measure"]).replace("prevalence_difference", "risk_difference")
    exposure = [question["exposure"]] if question.get("exposure") else []
    given = {name: question[name] for name in OPTIONS if question.get(name)}
    answer: ask.Answer = getattr(ask, measure)(question["outcome"], *exposure, **given, project=atlas.folder)
    return answer


def typed(atlas: Atlas, question: Question, *more: str) -> tuple[int, str]:
    """The command as it is typed: its exit code and what it printed."""
    command = str(question["measure"]).replace("prevalence_difference", "risk_difference").replace("_", "-")
    exposure = [question["exposure"]] if question.get("exposure") else []
    options = [part for name in OPTIONS if question.get(name) for part in (f"--{name}", question[name])]
    ended = CliRunner().invoke(
        app, ["ask", command, question["outcome"], *exposure, *options, *more], env={"CRAMP_ATLAS_PROJECT": str(atlas.folder)}
    )
    if ended.exception and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return ended.exit_code, ended.stdout


def on_the_terminal(atlas: Atlas, question: Question) -> list[dict[str, Any]]:
    """By the command, as JSON."""
    code, said = typed(atlas, question, "--json")
    assert code == 0, said
    rows: list[dict[str, Any]] = json.loads(said)["rows"]
    return rows


def people_of(atlas: Atlas, source: str) -> pl.DataFrame:
    """The published people of a source."""
    with duckdb.connect(str(atlas.warehouse / "epi.duckdb"), read_only=True) as connection:
        return connection.sql(f"from core.respondents where source = {literal(source)}").pl()
