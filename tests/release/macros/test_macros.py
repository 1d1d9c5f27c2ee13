"""The macros of the schema `ask`: what the estimators say, what R says, and what is refused."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.project.study import Study
from pipelines.report.prevalence import without_unreliable
from pipelines.statistics import Cells, Design, collapse, compare, compare_means, prevalence, regression
from pipelines.statistics.errors import EmptyDomain
from pipelines.statistics.model_matrix import Categorical
from tests.patience import PATIENCE_SECONDS
from tests.release.macros.asked import SOURCES, WAVES, asked_project, people, source, write_database

NUMBERS = ("n_respondents", "n_cases", "n_missing", "prevalence", "prevalence_se", "prevalence_lower", "prevalence_upper")
MORE = ("degrees_freedom", "design_effect", "n_effective")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("macros") / "epi.duckdb"
    write_database(path, people(), asked_project())
    path.chmod(0o444)
    return path


@pytest.fixture(scope="module")
def connection(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(database), read_only=True) as opened:
        yield opened


def ask(connection: duckdb.DuckDBPyConnection, question: str) -> pl.DataFrame:
    with connection.cursor() as cursor:
        return cursor.execute(f"from ask.{question}").pl()


def refused(connection: duckdb.DuckDBPyConnection, question: str) -> str:
    with connection.cursor() as cursor, pytest.raises(duckdb.Error) as raised:
        cursor.execute(f"from ask.{question}").fetchall()
    return str(raised.value)


def cells(connection: duckdb.DuckDBPyConnection, source: str, wave: str, keys: list[str], weight: str, condition: str) -> Cells:
    waves = {"pooled": WAVES, **{one: (one,) for one in WAVES}}[wave]
    apart = f"case wave when '{WAVES[0]}' then 0 else 1000 end + stratum"
    relation = (
        f"(select * replace ({apart} as stratum) from core.respondents where source = '{source}' "
        f"and wave in ({', '.join(repr(one) for one in waves)})) as people"
    )
    design = Design("stratum", "psu", weight) if source == "survey" else Design(None, None, None)
    return collapse(connection, relation, design, {key: key for key in keys} | {"inside": f"coalesce({condition}, false)"})


def agrees(found: object, expected: object) -> bool:
    if isinstance(expected, float) and isinstance(found, float):
        return found == pytest.approx(expected, rel=1e-10, abs=1e-12)
    return found == expected


CONDITIONS = [
    "true",
    "age_years >= 40",
    "sex = 'female'",
    "age_years between 30 and 59 and not is_sedentary",
    "is_sedentary or sex in ('male')",
    "age_years < 23 and sex = 'male'",
    "activity_level is not null and body_mass_index_kg_m2 > 25.5",
    "lower(sex) like 'f%' and age_years % 2 = 0",
    "has_frequent_cramps is false",
    "case when sex = 'male' then age_years > 50 else age_years > 60 end",
]


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    source=st.sampled_from(["survey", "survey", "survey", "cohort"]),
    wave=st.sampled_from(["2001", "2002", "pooled"]),
    outcome=st.sampled_from(["has_cramps", "has_frequent_cramps", "is_sedentary"]),
    by=st.lists(st.sampled_from(["sex", "age_band"]), max_size=2, unique=True),
    condition=st.sampled_from(CONDITIONS),
    weight=st.sampled_from([None, "interview_weight", "exam_weight"]),
)
def test_a_random_question_has_the_answer_of_the_estimator(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    wave: str,
    outcome: str,
    by: list[str],
    condition: str,
    weight: str | None,
) -> None:
    if source == "cohort":
        wave, weight = "2001", None
    if wave == "pooled" and "activity_level" in condition:
        condition = "true"
    said = f", weight := '{weight}'" if weight else ""
    question = (
        f"prevalence('{outcome}', by := '{', '.join(by)}', condition := '{condition.replace(chr(39), chr(39) * 2)}', "
        f"source := '{source}', wave := '{wave}'{said})"
    )
    taken = weight or ("exam_weight" if "body_mass" in condition else "interview_weight")
    counted = cells(connection, source, wave, list({outcome, *by}), taken, condition)
    try:
        estimated = prevalence(counted, outcome, by=by, domain=pl.col("inside")).table
    except EmptyDomain:
        assert "nobody with a weight above 0" in refused(connection, question)
        return
    expected = without_unreliable(estimated).sort(by) if by else without_unreliable(estimated)
    found = ask(connection, question)
    assert found.height == expected.height
    for one, other in zip(found.iter_rows(named=True), expected.iter_rows(named=True), strict=True):
        differing = {name: (one[name], other[name]) for name in (*by, *NUMBERS, *MORE) if not agrees(one[name], other[name])}
        assert not differing, question
        assert (one["presentation"], one["presentation_reason"]) == (other["presentation"], other["presentation_reason"]), (
            question
        )


@pytest.mark.parametrize("source", ["survey", "cohort"])
def test_ratios_and_differences_are_those_of_the_estimators(connection: duckdb.DuckDBPyConnection, source: str) -> None:
    counted = cells(connection, source, "2001", ["has_cramps", "activity_level"], "interview_weight", "age_years >= 30")
    shares = prevalence(counted, "has_cramps", by=["activity_level"], domain=pl.col("inside"))
    terms = [Categorical("activity_level", "vigorous")]
    of_family = {"odds_ratio": "logistic", "prevalence_ratio": "poisson"}
    for measure in ("odds_ratio", "prevalence_ratio", "prevalence_difference"):
        arguments = f"'has_cramps', 'activity_level', condition := 'age_years >= 30', source := '{source}', wave := '2001'"
        rows = ask(connection, f"{measure}({arguments})").to_dicts()
        assert [row["exposure_level"] for row in rows] == ["moderate", "none"]
        for row in rows:
            if measure == "prevalence_difference":
                level, reference = {"activity_level": row["exposure_level"]}, {"activity_level": "vigorous"}
                contrast = compare(shares, level, reference)
                assert row[measure] == pytest.approx(contrast.estimate, rel=1e-10)
                assert row[f"{measure}_se"] == pytest.approx(contrast.se, rel=1e-10)
                continue
            model = regression(counted, "has_cramps", terms, family=of_family[measure], domain=pl.col("inside"))  # type: ignore[arg-type]
            effect = model.term("activity_level", row["exposure_level"])
            wanted = (effect.estimate, effect.lower, effect.upper, effect.p_value, effect.se, effect.degrees_freedom)
            names = (measure, f"{measure}_lower", f"{measure}_upper", "p_value", f"log_{measure}_se", "degrees_freedom")
            assert [row[name] for name in names] == pytest.approx(list(wanted), rel=1e-9)


def test_means_are_those_of_the_estimator(connection: duckdb.DuckDBPyConnection) -> None:
    counted = cells(connection, "survey", "pooled", ["body_mass_index_kg_m2", "is_sedentary"], "exam_weight", "age_years >= 30")
    expected = compare_means(counted, "body_mass_index_kg_m2", "is_sedentary", domain=pl.col("inside"))
    question = "mean('body_mass_index_kg_m2', by := 'is_sedentary', condition := 'age_years >= 30', source := 'survey')"
    others, group = ask(connection, question).to_dicts()
    for row, mean in ((group, expected.group), (others, expected.others)):
        assert (row["weight"], row["n_respondents"]) == ("exam_weight", mean.n_respondents)
        assert [row["mean"], row["mean_se"]] == pytest.approx([mean.mean, mean.se], rel=1e-10)


def test_thirty_questions_have_the_answers_of_r(connection: duckdb.DuckDBPyConnection) -> None:
    script = Path(__file__).with_name("questions.R")
    said = subprocess.run(["Rscript", str(script)], capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS).stdout
    lines = [line.split("\t") for line in said.splitlines()]
    assert len({question for question, *_ in lines}) == 30
    for question, row, *numbers in lines:
        answer = ask(connection, question).row(int(row), named=True)
        measure = question.partition("(")[0]
        error = f"log_{measure}_se" if measure.endswith("ratio") else f"{measure}_se"
        found = [answer[measure], answer[error], answer["degrees_freedom"]]
        assert found == pytest.approx(list(map(float, numbers)), rel=1e-8), question


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("age_years > 60; drop table core.respondents", "no condition in SQL"),
        ("copy core.respondents to ''x.csv''", "no condition in SQL"),
        ("age_years > (select 1)", "holds a select"),
        ("exists (from read_csv(''x.csv''))", "holds a select"),
        ("read_csv(''x.csv'')", "uses read_csv"),
        ("getenv(''HOME'') = ''x''", "uses getenv"),
        ("random() < 0.5", "uses random"),
        ("count(*) > 1", "uses count"),
        ("row_number() over () = 1", "uses row_number"),
        ("is_tall", "is_tall is no column of the respondents"),
        ("core.respondents.age_years > 60", "names a column with its table"),
        ("true) or (true", None),
        ("true), (true", "more than one condition"),
        ("true) from core.respondents where (true", "more than one condition"),
        ("age_years > (60", "no condition in SQL"),
        ("age_years", "gives INTEGER where true or false is needed"),
        ("sex::integer = 1", "write try_cast"),
        ("$1", "holds more than columns"),
        ("columns(*) = 1", "holds more than columns"),
        ("", "no condition in SQL"),
        ("{keys} = 1", "no condition in SQL"),
    ],
)
def test_a_condition_that_is_none_is_refused_with_its_reason(
    connection: duckdb.DuckDBPyConnection, condition: str, reason: str | None
) -> None:
    question = f"prevalence('has_cramps', condition := '{condition}', source := 'survey', wave := '2001')"
    if reason is None:
        assert ask(connection, question).height == 1
    else:
        assert reason in refused(connection, question)


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("prevalence('has_cramps')", "say of which source; there are: cohort, pairs, registry, survey"),
        ("prevalence('has_cramps', source := 'nhans')", "there is no source nhans; there are: cohort, pairs, registry, survey"),
        ("prevalence('has_cramps', source := 'registry')", "its people are withheld"),
        ("prevalence('has_cramps', source := 'pairs')", "matched odds ratios only"),
        ("prevalence('has_cramp', source := 'survey')", "has_cramp is no column"),
        ("prevalence('age_years', source := 'survey')", "age_years is INTEGER"),
        ("mean('sex', source := 'survey')", "sex is VARCHAR"),
        ("prevalence('has_cramps', by := 'sex; x', source := 'survey')", "sex; x is no column"),
        ("prevalence('has_cramps', by := 'sex, sex', source := 'survey')", "names a column twice"),
        ("prevalence('has_cramps', by := 'has_cramps', source := 'survey')", "is what is asked about"),
        ("prevalence('has_cramps', source := 'survey', wave := '1999')", "no wave 1999 of survey; there are: 2001, 2002"),
        ("prevalence('has_cramps', source := 'survey', weight := 'age_years')", "age_years is no weight of survey"),
        ("prevalence('has_cramps', source := 'cohort', weight := 'exam_weight')", "none, as it is unweighted"),
        (
            "prevalence('has_cramps', by := 'activity_level', source := 'survey')",
            "not comparable between 2001 and 2002: asked anew",
        ),
        ("prevalence('takes_statin', source := 'survey')", "where age_years >= 40 only, and others of those asked about have it"),
        ("odds_ratio('has_cramps', 'age_band', source := 'survey')", "say which level of age_band is the reference"),
        ("odds_ratio('has_cramps', 'is_sedentary', reference := 'no', source := 'survey')", "true or false: its reference"),
        ("odds_ratio('has_cramps', 'has_cramps', source := 'survey')", "not related to itself"),
        ("odds_ratio('has_cramps', 'age_years', source := 'survey')", "age_years is INTEGER"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_its_reason(
    connection: duckdb.DuckDBPyConnection, question: str, reason: str
) -> None:
    assert reason in refused(connection, question)


@pytest.fixture(scope="module")
def topped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same people, with a top code of age in the cohort."""
    path = tmp_path_factory.mktemp("topped") / "epi.duckdb"
    cohort = source("cohort", "cohort", waves={"2001": {"tables": {}, "top_codes": {"age_years": 70}}})
    write_database(path, people(), replace(asked_project(), sources={"survey": SOURCES["survey"], "cohort": cohort}))
    with duckdb.connect(str(path), read_only=True) as opened:
        yield opened


@pytest.mark.parametrize(
    "condition",
    [
        "age_years >= 71",
        "age_years > 70",
        "age_years = 70",
        "age_years between 60 and 74",
        "age_years in (69, 70)",
        "age_years % 2 = 0",
        "has_cramps and age_years < 74.5",
        "case when sex = 'male' then age_years < 72 else true end",
    ],
)
def test_a_condition_may_not_tell_apart_those_above_a_top_code(topped: duckdb.DuckDBPyConnection, condition: str) -> None:
    quoted = condition.replace("'", "'" * 2)
    said = refused(topped, f"prevalence('has_frequent_cramps', condition := '{quoted}', source := 'cohort')")
    assert "separates people above the top code 70 of cohort, where age_years 70 stands for 70 and above" in said
    assert "the highest bound that works is age_years >= 70" in said
    assert ask(topped, f"prevalence('has_frequent_cramps', condition := '{quoted}', source := 'survey')").height


@pytest.mark.parametrize("condition", ["age_years >= 70", "age_years >= 60 and has_cramps", "age_years < 70", "sex = 'male'"])
def test_a_condition_may_end_at_a_top_code(topped: duckdb.DuckDBPyConnection, condition: str) -> None:
    quoted = condition.replace("'", "'" * 2)
    assert ask(topped, f"prevalence('has_frequent_cramps', condition := '{quoted}', source := 'cohort')").height == 1


def test_small_counts_of_a_restricted_source_are_not_told(tmp_path: Path) -> None:
    """The smallest count that may be told is 11: each number of the row stands on one side of it."""
    project = asked_project()
    clinic = source("cohort", "cohort", classification="restricted")
    write_database(tmp_path / "epi.duckdb", people(), replace(project, sources={"cohort": clinic}))
    with duckdb.connect(str(tmp_path / "epi.duckdb"), read_only=True) as connection:
        told = "has_frequent_cramps", "condition := 'age_years < {}', source := 'cohort'"
        known = people().filter(pl.col("source") == "cohort", pl.col("has_frequent_cramps"))["age_years"].sort()
        below, enough = known[9] + 1, known[-1] + 1
        for age in (below, enough):
            n_cases = int((known < age).sum())
            [row] = ask(connection, f"prevalence('{told[0]}', {told[1].format(age)})").to_dicts()
            assert row["is_suppressed"] is (n_cases < 11)
            assert (row["n_cases"], row["prevalence"] is None) == ((None, True) if n_cases < 11 else (n_cases, False))
            assert ("disclosure control" in (row["presentation_reason"] or "")) is (n_cases < 11)
        [ratio] = ask(connection, f"odds_ratio('has_frequent_cramps', 'is_sedentary', {told[1].format(below)})").to_dicts()
        hidden = ("exposed_cases", "unexposed_noncases", "odds_ratio", "odds_ratio_lower", "p_value", "degrees_freedom")
        assert ratio["is_suppressed"]
        assert all(ratio[name] is None for name in hidden)
        [mean] = ask(
            connection, "mean('age_years', condition := 'age_years = 20 and takes_statin', source := 'cohort')"
        ).to_dicts()
        assert (mean["n_respondents"], mean["mean"], mean["is_suppressed"]) == (None, None, True)
        [whole] = ask(connection, "prevalence('has_cramps', source := 'cohort')").to_dicts()
        assert whole["n_missing"] == people().filter(pl.col("source") == "cohort")["has_cramps"].null_count() > 11
        [part] = ask(connection, "prevalence('has_cramps', condition := 'age_years < 30', source := 'cohort')").to_dicts()
        assert (part["n_missing"], part["is_suppressed"]) == (None, False)
        assert "ask for its prevalence" in refused(connection, "total('has_cramps', source := 'cohort')")


def test_waves_pool_where_their_verdict_allows(connection: duckdb.DuckDBPyConnection) -> None:
    question = "prevalence('takes_statin', condition := 'age_years >= 50', source := 'survey')"
    assert ask(connection, question)["wave"].to_list() == ["pooled"]


@pytest.mark.parametrize("level", [0.8, 0.99])
def test_intervals_have_the_confidence_of_the_study(tmp_path: Path, level: float) -> None:
    project = asked_project()
    study = Study.model_validate(project.study.model_dump() | {"confidence_level": level})
    write_database(tmp_path / "epi.duckdb", people(), replace(project, study=study))
    with duckdb.connect(str(tmp_path / "epi.duckdb"), read_only=True) as connection:
        counted = cells(connection, "survey", "2001", ["has_cramps", "sex"], "interview_weight", "true")
        expected = prevalence(counted, "has_cramps", by=["sex"], confidence_level=level).table.sort("sex").to_dicts()
        for row, wanted in zip(
            ask(connection, "prevalence('has_cramps', by := 'sex', source := 'survey', wave := '2001')").to_dicts(),
            expected,
            strict=True,
        ):
            same = all(agrees(row[name], wanted[name]) for name in (*NUMBERS, *MORE, "confidence_level", "presentation"))
            assert same, (row, wanted)


@pytest.mark.parametrize("lonely", ["certainty", "adjust", "average"])
def test_a_lonely_psu_counts_as_the_file_of_the_source_says(tmp_path: Path, lonely: Any) -> None:
    project = asked_project()
    survey = project.sources["survey"].model_copy(update={"lonely_psu": lonely})
    frame = people().filter((pl.col("stratum") % 5 != 0) | (pl.col("psu") == 1))
    write_database(tmp_path / "epi.duckdb", frame, replace(project, sources={**project.sources, "survey": survey}))
    with duckdb.connect(str(tmp_path / "epi.duckdb"), read_only=True) as connection:
        counted = cells(connection, "survey", "2001", ["has_cramps", "sex", "is_sedentary"], "interview_weight", "age_years > 25")
        counted = Cells(counted.table, replace(counted.design, lonely=lonely))
        expected = prevalence(counted, "has_cramps", by=["sex"], domain=pl.col("inside")).table.sort("sex")
        where = "condition := 'age_years > 25', source := 'survey', wave := '2001'"
        found = ask(connection, f"prevalence('has_cramps', by := 'sex', {where})")
        assert found["prevalence_se"].to_list() == pytest.approx(expected["prevalence_se"].to_list(), rel=1e-10)
        model = regression(counted, "has_cramps", [Categorical("is_sedentary", False)], domain=pl.col("inside"))
        [row] = ask(connection, f"odds_ratio('has_cramps', 'is_sedentary', {where})").to_dicts()
        assert row["log_odds_ratio_se"] == pytest.approx(model.term("is_sedentary", True).se, rel=1e-9)


def test_a_project_without_sources_has_nothing_to_ask(tmp_path: Path) -> None:
    write_database(tmp_path / "epi.duckdb", people(), replace(asked_project(), sources={}))
    with duckdb.connect(str(tmp_path / "epi.duckdb"), read_only=True) as connection:
        assert connection.sql("select count(*) from duckdb_schemas() where schema_name = 'ask'").fetchall() == [(0,)]
