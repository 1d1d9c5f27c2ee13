"""What has no answer is refused in the same words through SQL, the terminal and Python."""

from typing import Any

import duckdb
import pytest

from pipelines import ask
from pipelines.machine.errors import CrampAtlasError
from tests.ask.doors import in_python, in_sql, typed
from tests.atlas import Atlas, make_atlas

SHARE = {"measure": "prevalence", "outcome": "has_cramps", "source": "synthetic_survey"}
RATIO = SHARE | {"measure": "odds_ratio", "exposure": "takes_statin"}

REFUSED: list[tuple[dict[str, Any], str]] = [
    (SHARE | {"where": "age_years > 60; drop table core.respondents"}, "condition is no condition in SQL"),
    (SHARE | {"where": "age_years > (select 1)"}, "holds a select"),
    (SHARE | {"where": "read_csv('x.csv')"}, "uses read_csv, which it cannot"),
    (SHARE | {"where": "copy core.respondents to 'x.csv'"}, "condition is no condition in SQL"),
    (SHARE | {"where": "is_tall"}, "is_tall is no column of the respondents"),
    (SHARE | {"where": "age_years"}, "gives INTEGER where true or false is needed"),
    (SHARE | {"where": "age_years < 3"}, "nobody with a weight above 0"),
    (SHARE | {"where": "age_years < 85"}, "separates people above the top code 80 of synthetic_survey"),
    (SHARE | {"outcome": "age_years"}, "age_years is INTEGER, and this question is about what is true or false"),
    (SHARE | {"by": "sex, sex"}, "by names a column twice"),
    (SHARE | {"by": "has_cramps"}, "is what is asked about"),
    (SHARE | {"source": ""}, "say of which source; there are:"),
    (SHARE | {"source": "nhans"}, "there is no source nhans; there are:"),
    (SHARE | {"source": "synthetic_case_control"}, "is a case-control source"),
    (SHARE | {"wave": "1999"}, "there is no wave 1999 of synthetic_survey"),
    (SHARE | {"weight": "age_years"}, "age_years is no weight of synthetic_survey"),
    (SHARE | {"measure": "mean", "outcome": "sex"}, "sex is VARCHAR, and this question is about a number"),
    (RATIO | {"exposure": "age_years"}, "age_years is INTEGER, and an exposure is true or false or has levels"),
    (RATIO | {"exposure": "has_cramps"}, "a variable is not related to itself"),
    (RATIO | {"exposure": "age_band"}, "say which level of age_band is the reference"),
    (RATIO | {"exposure": "activity_level", "reference": "blue"}, "nobody with a weight above 0"),
]

NOT_OF_SQL: list[tuple[dict[str, Any], str]] = [
    (SHARE | {"adjust": "sex"}, "name it alone in by"),
    (SHARE | {"by": "sex", "adjust": "sex"}, "sex is named already"),
    (RATIO | {"adjust": "age_years"}, "age_years is INTEGER: a number is adjusted for in the form"),
    (RATIO | {"adjust": "is_tall"}, "is_tall is no column of the respondents"),
    (RATIO | {"interaction": "sex", "by": "age_band"}, "keep one of them"),
    (RATIO | {"measure": "prevalence_difference", "interaction": "sex"}, "an interaction is of ratios"),
    (SHARE | {"measure": "trend", "where": "age_years between 30 and 39"}, "there is a difference, and no trend"),
]


def test_three_doors_refuse_in_the_same_words(published_synthetic: Atlas) -> None:
    with duckdb.connect(str(published_synthetic.warehouse / "epi.duckdb"), read_only=True) as connection:
        for question, reason in REFUSED:
            with pytest.raises(duckdb.Error) as raised:
                in_sql(connection, question)
            with pytest.raises(ask.Refused) as refused:
                in_python(published_synthetic, question)
            assert reason in str(refused.value), question
            assert str(refused.value) in str(raised.value), question


def test_the_terminal_ends_with_2_and_one_sentence(published_synthetic: Atlas) -> None:
    for question, reason in [*REFUSED[::4], *NOT_OF_SQL]:
        code, said = typed(published_synthetic, question)
        assert (code, reason in said, "Traceback" in said) == (2, True, False), (question, said)


def test_python_refuses_what_the_terminal_refuses(published_synthetic: Atlas) -> None:
    for question, reason in NOT_OF_SQL:
        with pytest.raises(ask.Refused, match=reason):
            in_python(published_synthetic, question)


def test_where_nothing_is_published_it_is_said(tmp_path_factory: pytest.TempPathFactory) -> None:
    atlas = make_atlas(tmp_path_factory.mktemp("unpublished") / "project")
    with pytest.raises(CrampAtlasError, match="nothing is published yet"):
        in_python(atlas, SHARE)
    code, said = typed(atlas, SHARE)
    assert (code, "nothing is published yet" in said) == (3, True)
