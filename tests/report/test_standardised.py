"""A population and the standard that it is standardised to span the same ages, or the rows say why they are empty."""

import polars as pl
import pytest

from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.project.standards import StandardPopulation, load_standard_populations
from pipelines.release.disclosure.hiding import STANDARDISED, with_hidden
from pipelines.report.estimators import ESTIMATORS
from pipelines.stages import load_project
from tests.report.test_estimates import cohort, estimation

OF_AGES = {"16-19": (0.25, 200), "20-39": (0.5, 300), "40-59": (0.75, 400), "60+": (0.25, 400)}
"""Age group -> share of cases, and people."""

AGES = {"16-19": 17, "20-39": 30, "40-59": 50, "60+": 70}


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project()


@pytest.fixture(scope="module")
def standards(project: Project) -> dict[str, StandardPopulation]:
    return load_standard_populations(project.settings.data_contracts / "standard_populations.csv")


def people() -> pl.DataFrame:
    """Half women, with cases in the shares of OF_AGES; one of 18 years has not answered."""
    rows = [
        {"age_years": AGES[group], "sex": ("female", "male")[number % 2], "has_cramps": number // 2 < share * n / 2}
        for group, (share, n) in OF_AGES.items()
        for number in range(n)
    ]
    frame = pl.DataFrame([*rows, {"age_years": 18, "sex": "male", "has_cramps": None}])
    return frame.with_columns(source=pl.lit("berkeley"), wave=pl.lit("1973"), has_frequent_cramps="has_cramps")


def standardised(
    project: Project,
    standard: StandardPopulation,
    populations: dict[str, str],
    source: Source | None = None,
    asked_people: pl.DataFrame | None = None,
    sex: str = "all",
) -> list[dict[str, object]]:
    """Rows of has_cramps, both sexes together; `populations` are name -> where."""
    study = project.study.model_copy(
        update={
            "populations": {
                name: project.study.populations["everyone_asked"].model_copy(update={"where": where})
                for name, where in populations.items()
            },
            "standardisation": project.study.standardisation.model_copy(update={"populations": list(populations)}),
        }
    )
    respondents = people() if asked_people is None else asked_people
    asked = estimation(project, respondents, source or cohort(), standard_population=standard)
    object.__setattr__(asked, "study", study)
    found = ESTIMATORS["report.prevalence_age_standardised"](asked)
    return found.filter(outcome="has_cramps", sex=sex).to_dicts()


def test_a_population_of_the_ages_of_its_standard_is_the_weighted_mean_of_its_groups(
    project: Project, standards: dict[str, StandardPopulation]
) -> None:
    [row] = standardised(project, standards["us_2000_adults_three_groups"], {"adults": "age_years >= 20"})
    assert row["prevalence"] == pytest.approx(0.3966 * 0.5 + 0.3718 * 0.75 + 0.2316 * 0.25, rel=1e-12)  # the shares add up to 1
    assert (row["n_respondents"], row["presentation_reason"]) == (1_100, None)


@pytest.mark.parametrize(("sex", "n_unknown", "n_silent", "n"), [("all", 30, 4, 1_100), ("male", 10, 4, 550)])
def test_members_of_unknown_age_are_counted_as_missing(
    project: Project, standards: dict[str, StandardPopulation], sex: str, n_unknown: int, n_silent: int, n: int
) -> None:
    """20 women and 10 men of unknown age with an answer, and four men of 30 years without one."""
    adults = people().filter(pl.col("age_years") >= 20)
    unknown = adults.head(30).with_columns(age_years=None, has_cramps=True, sex=pl.Series(["female"] * 20 + ["male"] * 10))
    silent = adults.head(4).with_columns(age_years=30, has_cramps=None, sex=pl.lit("male"))
    everybody = pl.concat([adults, unknown, silent], how="vertical_relaxed")
    standard = standards["us_2000_adults_three_groups"]
    [row] = standardised(project, standard, {"everyone": "sex is not null"}, asked_people=everybody, sex=sex)
    assert (row["n_respondents"], row["n_missing"]) == (n, n_unknown + n_silent)
    assert row["missing_weight_share"] == pytest.approx((n_unknown + n_silent) / (n + n_unknown + n_silent), rel=1e-12)
    assert row["prevalence"] == pytest.approx(0.3966 * 0.5 + 0.3718 * 0.75 + 0.2316 * 0.25, rel=1e-12)


def test_people_outside_the_standard_are_counted_and_nothing_is_shown(
    project: Project, standards: dict[str, StandardPopulation]
) -> None:
    [row] = standardised(project, standards["us_2000_adults_three_groups"], {"everyone": "age_years >= 16"})
    assert (row["presentation"], row.get("prevalence"), row.get("n_respondents")) == ("suppress", None, None)
    said = "200 people of 17 years are outside the ages of the standard us_2000_adults_three_groups"
    assert row["presentation_reason"] == said


def test_of_a_restricted_source_nobody_is_counted(project: Project, standards: dict[str, StandardPopulation]) -> None:
    populations = {"everyone": "age_years >= 16"}
    rows = standardised(project, standards["us_2000_adults_three_groups"], populations, cohort())
    public = with_hidden({STANDARDISED: pl.DataFrame(rows, infer_schema_length=None)}, [], [])[STANDARDISED]
    assert public["presentation_reason"].to_list() == ["people of the population are outside the ages of the standard"]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("age_years >= 60", "ages of 60 years and older, and 20-39, 40-59 of the standard"),
        ("sex = 'female' and age_years between 20 and 44", "ages of 20 to 44 years, and 40-59, 60+ of the standard"),
        ("age_years > 24 and not (age_years > 59)", "ages of 25 to 59 years, and 20-39, 60+ of the standard"),
        ("age_band in ('60-69', '70-79', '80+')", "ages of 60 years and older, and 20-39, 40-59 of the standard"),
    ],
)
def test_a_standard_that_reaches_beyond_the_ages_of_a_population_is_refused(
    project: Project, standards: dict[str, StandardPopulation], where: str, said: str
) -> None:
    [row] = standardised(project, standards["us_2000_adults_three_groups"], {"some": where})
    assert row["presentation"] == "suppress"
    assert said in str(row["presentation_reason"])


def test_groups_above_the_top_code_are_one_with_the_group_that_holds_it(standards: dict[str, StandardPopulation]) -> None:
    eleven = standards["us_2000_eleven_groups"]
    merged = eleven.at_most(80)
    assert merged.groups.tail(2).select("age_group", "lower_age", "upper_age").rows() == [
        ("65-74", 65, 75),
        ("75-84 and 85+", 75, 1_000),
    ]
    assert merged.shares["75-84 and 85+"] == pytest.approx(0.044842 + 0.015508)
    for top_code in (None, 85, 90):
        assert eleven.at_most(top_code).groups.equals(eleven.groups)
    three = standards["us_2000_adults_three_groups"]
    assert three.at_most(80).groups.equals(three.groups)
    assert three.at_most(10).groups.equals(three.groups)


def test_a_source_with_a_top_code_is_standardised_to_the_merged_groups(
    project: Project, standards: dict[str, StandardPopulation]
) -> None:
    """People coded 50 at most: 40-59 and 60+ are one group, and its share is that of both."""
    coded = people().with_columns(pl.col("age_years").clip(upper_bound=50))
    top_coded = Source.model_validate(
        cohort().model_dump(exclude={"waves"}) | {"waves": {"1973": {"tables": {}, "top_codes": {"age_years": 50}}}}
    )
    asked = estimation(project, coded, top_coded, standard_population=standards["us_2000_adults_three_groups"])
    found = ESTIMATORS["report.prevalence_age_standardised"](asked).filter(outcome="has_cramps", sex="all")
    of_the_oldest = (0.75 * 400 + 0.25 * 400) / 800
    assert found["prevalence"].to_list() == pytest.approx([0.3966 * 0.5 + (0.3718 + 0.2316) * of_the_oldest], rel=1e-12)
    assert found["presentation_reason"].to_list() == [None]
