"""The queries for people: their style, their answers against counting by other means, and the commands that run them."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Timer
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
import sqlglot
from sqlglot import exp
from typer.testing import CliRunner

from pipelines.contracts.columns import POLARS_TYPES
from pipelines.machine.errors import ConfigurationError, CrampAtlasError
from pipelines.machine.quoting import identifier, literal
from pipelines.machine.settings import REPOSITORY, Settings
from pipelines.making.engine import bind_frame, engine
from pipelines.project.selects import tables_read
from pipelines.stages import load_project
from pipelines.terminal.cli import app
from pipelines.terminal.queries import load_queries, query_command
from tests.atlas import Atlas
from tests.patience import PATIENCE_SECONDS

FOLDER = REPOSITORY / "sql" / "queries"
FILES = sorted(FOLDER.glob("*.sql"))
NO_ROW_WITHOUT_NHANES = {"two_waves_compared", "what_is_stale"}
"""One wave of a survey alone, and nothing that is held back."""

GREEN = {"source": "s", "wave": "1", "design": "survey", "verdict": "accepted", "is_stale": False, "is_synthetic": False}


@pytest.fixture(scope="module")
def contracts() -> set[str]:
    return set(load_project(Settings()).contracts)


def answer(atlas: Atlas, name: str, database: str = "epi.duckdb", **settings: str) -> pl.DataFrame:
    with duckdb.connect(str(atlas.warehouse / database), read_only=True) as connection:
        for setting, value in settings.items():
            connection.execute(f"set variable {identifier(setting)} = {literal(value)}")
        return connection.sql((FOLDER / f"{name}.sql").read_text(encoding="utf-8")).pl()


def report(atlas: Atlas, table: str) -> pl.DataFrame:
    return pl.read_parquet(atlas.warehouse / "current" / "report" / f"{table}.parquet")


def test_there_are_at_least_twenty() -> None:
    assert len(FILES) >= 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_query_is_one_ordered_select_of_published_tables_that_says_its_question(path: Path, contracts: set[str]) -> None:
    text = path.read_text(encoding="utf-8")
    query = load_queries(FOLDER)[path.stem]
    assert query.question[0].isupper()
    assert query.how_to_read.endswith(".")
    assert all(len(line) <= 130 for line in text.splitlines())
    reads = tables_read(text, path.name)
    assert reads
    assert set(reads) <= contracts
    select = sqlglot.parse_one(text, read="duckdb")
    assert select.args.get("order"), "the last clause must be order by"
    assert not list(select.find_all(exp.Star)) or "count(*)" in text, "columns are listed"
    sql = re.sub(r"--.*|'[^']*'", "", text)
    assert ";" not in sql
    assert sql == sql.lower()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_may_be_set_is_named_with_the_value_that_the_select_has_otherwise(path: Path) -> None:
    used = dict(re.findall(r"coalesce\(getvariable\('(\w+)'\), '([^']*)'\)", path.read_text(encoding="utf-8")))
    assert path.read_text(encoding="utf-8").count("getvariable") == len(used)
    assert load_queries(FOLDER)[path.stem].settings == used


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_query_answers_from_the_published_warehouse(published_synthetic: Atlas, path: Path) -> None:
    found = answer(published_synthetic, path.stem)
    assert found.is_empty() == (path.stem in NO_ROW_WITHOUT_NHANES)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in found.columns)
    if not any(read.startswith(("core.", "raw.")) for read in tables_read(path.read_text(encoding="utf-8"), path.name)):
        assert answer(published_synthetic, path.stem, "epi_public.duckdb").equals(found)


def test_the_prevalence_of_a_population_is_the_weighted_share_among_its_members(published_synthetic: Atlas) -> None:
    with duckdb.connect(str(published_synthetic.warehouse / "epi.duckdb"), read_only=True) as connection:
        people = connection.sql("select * from core.respondents where source = 'synthetic_survey'").pl()
    women = people.filter(pl.col("sex") == "female", pl.col("age_years").is_between(20, 44), pl.col("has_cramps").is_not_null())
    share = float(np.average(women["has_cramps"].cast(pl.Float64).to_numpy(), weights=women["interview_weight"].to_numpy()))
    [row] = answer(published_synthetic, "prevalence_by_population").rows_by_key("population", named=True)["women_20_44"][:1]
    assert (row["outcome"], row["n_respondents"]) == ("has_cramps", women.height)
    assert row["prevalence"] == round(share, 3)


def test_the_share_by_hand_is_that_of_the_report(published_synthetic: Atlas) -> None:
    found = answer(published_synthetic, "weighted_share_by_hand")
    assert found["age_band"].to_list() == ["16-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70-79", "80+"]
    assert found["difference"].abs().max() == pytest.approx(0, abs=1e-12)


def test_who_was_left_out_is_who_gave_no_answer_in_the_delivery(published_synthetic: Atlas) -> None:
    kinds = {"7": "refused", "9": "dont_know", "77": "refused", "99": "dont_know", "": "missing", None: "missing"}
    delivered = published_synthetic.query("select cast(leg_cramps as varchar) from raw.synthetic_survey_respondents")
    expected: dict[str, int] = {"record set aside": 10}
    for (code,) in delivered:
        reason = kinds.get(code, "answered")
        expected[reason] = expected.get(reason, 0) + 1
    found = answer(published_synthetic, "left_out_and_why").filter(source="synthetic_survey")
    assert dict(zip(found["reason"], found["n_records"], strict=True)) == expected
    counted = report(published_synthetic, "prevalence_by_age_band").filter(
        source="synthetic_survey", population="everyone_asked", outcome="has_cramps", age_band="all"
    )
    asked = found.filter(~pl.col("reason").is_in(["answered", "record set aside"]))
    assert counted.select("n_respondents", "n_missing").row(0) == (expected["answered"], asked["n_16_and_older"].sum())


@pytest.mark.parametrize(
    ("table", "number"),
    [
        ("prevalence_by_age_band", "prevalence"),
        ("prevalence_by_age_band_and_sex", "prevalence"),
        ("prevalence_by_exposure", "prevalence"),
        ("prevalence_age_standardised", "prevalence"),
        ("odds_ratios", "odds_ratio"),
        ("trends", "odds_ratio"),
    ],
)
def test_every_number_that_is_not_shown_is_listed(published_synthetic: Atlas, table: str, number: str) -> None:
    hidden = report(published_synthetic, table)[number].null_count()
    found = answer(published_synthetic, "numbers_not_shown").filter(table_name=f"report.{table}")
    assert found.height == hidden
    assert found["presentation_reason"].null_count() == 0


def test_every_characteristic_that_is_not_shown_is_listed(published_synthetic: Atlas) -> None:
    rows = report(published_synthetic, "characteristics_by_outcome")
    shown = [pl.coalesce(pl.col(f"share_of_{group}", f"mean_of_{group}")).is_not_null() for group in ("cases", "noncases")]
    hidden = rows.filter(~pl.all_horizontal(shown))
    found = answer(published_synthetic, "numbers_not_shown").filter(table_name="report.characteristics_by_outcome")
    assert found.height == hidden.height > 0


def test_cases_and_noncases_are_the_shares_among_those_with_a_known_characteristic(published_synthetic: Atlas) -> None:
    with duckdb.connect(str(published_synthetic.warehouse / "epi.duckdb"), read_only=True) as connection:
        people = connection.sql("select * from core.respondents where source = 'synthetic_survey' and age_years >= 20").pl()
    found = answer(published_synthetic, "cases_and_noncases").filter(source="synthetic_survey", outcome="has_cramps")
    for is_case, group in ((True, "cases"), (False, "noncases")):
        known = people.filter(pl.col("has_cramps") == is_case, pl.col("takes_diuretic").is_not_null())
        share = np.average(known["takes_diuretic"].cast(pl.Float64).to_numpy(), weights=known["interview_weight"].to_numpy())
        [row] = found.filter(characteristic="takes_diuretic", level="true").to_dicts()
        assert (row[group], row[f"n_{group}"]) == (round(float(share), 3), known["takes_diuretic"].sum())
        dieted = people.filter(
            pl.col("has_cramps") == is_case, pl.col("magnesium_intake_mg").is_not_null(), pl.col("dietary_weight") > 0
        )
        mean = np.average(dieted["magnesium_intake_mg"].to_numpy(), weights=dieted["dietary_weight"].to_numpy())
        [row] = found.filter(characteristic="magnesium_intake_mg").to_dicts()
        assert (row[group], row[f"n_{group}"]) == (round(float(mean), 3), dieted.height)


def test_the_largest_odds_ratio_comes_first(published_synthetic: Atlas) -> None:
    adjusted = report(published_synthetic, "odds_ratios").filter(model="adjusted", outcome="has_cramps")
    largest = adjusted.sort("odds_ratio", descending=True, nulls_last=True).row(0, named=True)
    first = answer(published_synthetic, "largest_odds_ratio").filter(outcome="has_cramps").row(0, named=True)
    assert (first["position"], first["exposure"], first["odds_ratio"]) == (
        1,
        largest["exposure"],
        round(largest["odds_ratio"], 2),
    )


def test_women_are_held_against_men_of_the_same_age(published_synthetic: Atlas) -> None:
    by_sex = report(published_synthetic, "prevalence_by_age_band_and_sex").filter(
        population="everyone_asked", outcome="has_cramps", age_band="70-79"
    )
    women, men = (by_sex.filter(sex=sex)["prevalence"].item() for sex in ("female", "male"))
    found = answer(published_synthetic, "women_against_men").filter(outcome="has_cramps", age_band="70-79").row(0, named=True)
    assert found["women_to_men_ratio"] == round(women / men, 2)


def test_an_e_value_is_that_of_vanderweele_and_ding(published_synthetic: Atlas) -> None:
    """For a common outcome from the square root of the odds ratio: risk ratio + sqrt(risk ratio * (risk ratio - 1))."""
    exact = report(published_synthetic, "odds_ratios").filter(model="adjusted", outcome="has_cramps", exposure="is_sedentary")
    risk_ratio = exact["odds_ratio"].item() ** 0.5
    [found] = answer(published_synthetic, "e_values").filter(outcome="has_cramps", exposure="is_sedentary")["e_value"]
    assert found == round(risk_ratio + (risk_ratio * (risk_ratio - 1)) ** 0.5, 2)
    lower, upper = exact["odds_ratio_lower"].item() ** 0.5, exact["odds_ratio_upper"].item() ** 0.5
    nearer = 1.0 if lower <= 1 <= upper else lower if lower > 1 else 1 / upper
    [limit] = answer(published_synthetic, "e_values").filter(outcome="has_cramps", exposure="is_sedentary")["e_value_limit"]
    assert limit == round(nearer + (nearer * (nearer - 1)) ** 0.5, 2)


def test_planted_values_are_counted_by_model(published_synthetic: Atlas) -> None:
    planted = report(published_synthetic, "planted_truth").filter(source="synthetic_survey", model="crude")
    inside = planted.filter(pl.col("planted").is_between(pl.col("estimate_lower"), pl.col("estimate_upper"))).height
    found = answer(published_synthetic, "planted_truth_recovered").filter(source="synthetic_survey", model="crude")
    assert found.select("n_planted", "n_covered").rows() == [(planted.height, inside)]


def test_9_34_is_held_by_the_source_that_it_was_planted_in(published_synthetic: Atlas) -> None:
    found = answer(published_synthetic, "nhanes_and_9_34")
    held = found.filter("holds_9_34").select("source").unique().to_series().to_list()
    assert held == ["synthetic_case_control"]


def test_a_code_has_the_meaning_that_the_questionnaire_gives_it(published_synthetic: Atlas) -> None:
    """https://wwwn.cdc.gov/Nchs/Nhanes/2007-2008/SLQ_E.htm"""
    found = answer(published_synthetic, "codes_of_a_variable").filter(table_name="raw.nhanes_slq", variable="SLQ160")
    assert found.select("received", "meaning").rows() == [
        ("0", "Never"),
        ("1", "Rarely (1 time a month)"),
        ("2", "Sometimes (2-4 times a month)"),
        ("3", "Often (5-15 times a month)"),
        ("4", "Almost always (16-30 times a month)"),
        ("7", "Refused"),
        ("9", "Don't know"),
    ]


def test_terms_of_use_stand_beside_every_source(published_synthetic: Atlas) -> None:
    found = answer(published_synthetic, "sources_and_terms")
    assert dict(found.select("source", "is_synthetic").rows()) == {
        "nhanes": False,
        "synthetic_case_control": True,
        "synthetic_survey": True,
    }
    assert "must never be reported" in found.filter(source="synthetic_survey")["terms_of_use"].item()


def planted(name: str, tables: Mapping[str, list[dict[str, Any]]]) -> pl.DataFrame:
    """The answer where `meta` holds these rows; columns that a row leaves out are NULL."""
    project = load_project(Settings())
    with engine(project.settings) as connection:
        for table, rows in tables.items():
            types = {column: POLARS_TYPES[kind] for column, kind in project.contracts[table].column_types().items()}
            schema, short = table.split(".")
            bind_frame(connection, schema, short, pl.DataFrame(rows, schema=types))
        return connection.sql((FOLDER / f"{name}.sql").read_text(encoding="utf-8")).pl()


@pytest.mark.parametrize(
    ("delivery", "is_listed"),
    [({}, False), ({"is_stale": True}, True), ({"verdict": "rejected"}, True), ({"verdict": "absent"}, False)],
)
def test_what_is_stale_or_rejected_is_listed(delivery: dict[str, Any], is_listed: bool) -> None:
    assert planted("what_is_stale", {"meta.deliveries": [GREEN | delivery]}).height == is_listed


@pytest.mark.parametrize(
    ("status", "is_listed"), [("passed", False), ("failed", True), ("error", True), ("not_applicable", False)]
)
def test_broken_rules_are_listed(status: str, is_listed: bool) -> None:
    assert planted("failed_rules", {"meta.check_results": [{"table_name": "raw.x", "status": status}]}).height == is_listed


@pytest.mark.parametrize("text", ["select 1", "-- No question.\n-- How.\nselect 1", "-- Only a question?\nselect 1"])
def test_a_query_that_does_not_begin_with_its_question_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "unclear.sql").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"sql/queries/unclear\.sql must begin with a question"):
        load_queries(tmp_path)


def run(atlas: Atlas, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("cramp-atlas")), *arguments]
    environment = os.environ | {"CRAMP_ATLAS_PROJECT": str(atlas.folder)}
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, env=environment, check=False, timeout=PATIENCE_SECONDS
    )


def test_a_query_runs_by_name_with_what_is_set(published_synthetic: Atlas) -> None:
    done = run(published_synthetic, "query", "codes_of_a_variable", "variable=RIAGENDR", "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1:] == [
        "raw.nhanes_demo,RIAGENDR,1,male,Male,NULL",
        "raw.nhanes_demo,RIAGENDR,2,female,Female,NULL",
    ]
    assert "Which codes does a delivered variable have" in done.stderr


def test_without_a_name_the_questions_are_listed(published_synthetic: Atlas) -> None:
    listed = CliRunner().invoke(app, ["query"], env={"CRAMP_ATLAS_PROJECT": str(published_synthetic.folder)}).stdout
    assert all(query.name in listed and query.question in listed for query in load_queries(FOLDER).values())


def test_text_that_is_set_stays_text(published_synthetic: Atlas) -> None:
    done = run(published_synthetic, "query", "find_a_column", "word='; drop table x; --", "--format", "json")
    assert (done.returncode, done.stdout.strip()) == (0, "[]")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nonsense"], "there is no query nonsense; there are: age_standardised_prevalence"),
        (["codes_of_a_variable", "variabel=x"], "no setting variabel; there are: variable=all"),
        (["e_values", "column=x"], "no setting column; there are: none"),
        (["codes_of_a_variable", "SLQ160"], "SLQ160 is no setting: write name=value"),
        (["e_values", "--format", "xml"], "there is no format xml"),
    ],
)
def test_what_cannot_be_run_is_refused_with_what_can(published_synthetic: Atlas, arguments: list[str], reason: str) -> None:
    done = CliRunner().invoke(app, ["query", *arguments], env={"CRAMP_ATLAS_PROJECT": str(published_synthetic.folder)})
    assert done.exit_code == 2
    assert reason in done.stdout


def test_nothing_published_yet_is_said(tmp_path: Path) -> None:
    with pytest.raises(CrampAtlasError, match=r"epi\.duckdb does not exist yet: run cramp-atlas refresh"):
        query_command(load_queries(FOLDER)["e_values"], [], "csv", tmp_path / "epi.duckdb")


def test_the_prompt_takes_piped_sql_and_answers_nothing_else(published_synthetic: Atlas) -> None:
    done = run(published_synthetic, "sql", stdin=".mode csv\nselect count(*) as n from meta.sources;\n")
    assert (done.returncode, done.stdout.split()) == (0, ["n", "3"])


def test_the_prompt_writes_nothing(published_synthetic: Atlas) -> None:
    done = run(published_synthetic, "sql", stdin="create table report.x (a integer);\n")
    assert done.returncode == 1
    assert "read-only" in done.stderr


def test_the_prompt_names_the_queries_to_a_person(published_synthetic: Atlas) -> None:
    """A terminal is what tells a person from a pipe; the prompt ends when its terminal is closed."""
    ours, theirs = pty.openpty()
    command = [str(Path(sys.executable).with_name("cramp-atlas")), "sql"]
    environment = os.environ | {"CRAMP_ATLAS_PROJECT": str(published_synthetic.folder)}
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, text=True, env=environment) as prompt:
        assert prompt.stdout
        last_resort = Timer(60, prompt.kill)
        last_resort.start()
        banner = [prompt.stdout.readline().rstrip() for _ in range(1 + len(FILES))]
        os.close(theirs)
        os.close(ours)
        prompt.stdout.read()
        prompt.wait(timeout=PATIENCE_SECONDS)
        last_resort.cancel()
    assert re.search(r"\.read .*sql/queries/NAME\.sql", banner[0])
    assert "  largest_odds_ratio  Which exposure has the largest adjusted odds ratio?" in banner
