"""Every condition of a population that cannot be meant is refused in one sentence, and what can be meant is let through."""

import pytest

from tests.atlas import Atlas
from tests.project.edits import Cases, Edit, assert_one_sentence, folded_where, one_where, said_of

pytestmark = pytest.mark.usefixtures("sources_read_once")

WHERE = "line 27 (populations.women_20_44.where): "

REFUSED: Cases = {
    "where misspelt value": (one_where("sex = 'women' and age_years >= 20"), WHERE, ("'women'", "male, female")),
    "where value in capitals": (one_where("sex = 'Female'"), WHERE, ("did you mean female?",)),
    "where value in a list": (one_where("sex in ('female', 'women')"), WHERE, ("'women'", "male, female")),
    "where value unequal": (one_where("sex <> 'men'"), WHERE, ("'men'", "male, female")),
    "where value of codebooks": (one_where("race_ethnicity = 'white'"), WHERE, ("'white'", "non_hispanic_white")),
    "where value of an age band": (one_where("age_band = '85+'"), WHERE, ("'85+'", "70-79, 80+")),
    "where pattern that no level has": (one_where("sex like 'wom%'"), WHERE, ("true for nobody", "male, female")),
    "where function that no level meets": (one_where("upper(sex) = 'female'"), WHERE, ("true for nobody",)),
    "where contradicts itself": (one_where("sex = 'male' and sex = 'female'"), WHERE, ("true for nobody",)),
    "where above every age": (one_where("age_years > 150"), WHERE, ("true for nobody", "0 to 120")),
    "where null by equality": (one_where("sex = null"), WHERE, ("true for nobody",)),
    "where false": (one_where("'false'"), WHERE, ("true for nobody",)),
    "where syntax": (one_where("age_years => 60"), WHERE, ("is no condition in SQL", "=>")),
    "where unfinished": (one_where("age_years >= 60 and"), WHERE, ("is no condition in SQL", "at its end")),
    "where quote not closed": (one_where("sex = 'female"), WHERE, ("is no condition in SQL", "unterminated")),
    "where two statements": (one_where("age_years >= 60; drop table x"), WHERE, ("is no condition in SQL",)),
    "where unknown column": (one_where("agee_years >= 60"), WHERE, ("agee_years", "did you mean age_years?")),
    "where column in capitals": (one_where("Age_Years >= 60"), WHERE, ("did you mean age_years?",)),
    "where text in double quotes": (one_where('sex = "female"'), WHERE, ("single quotes",)),
    "where number against text": (one_where("sex = 2"), WHERE, ("which is text", "single quotes")),
    "where text against number": (one_where("age_years >= 'sixty'"), WHERE, ("which is a number", "'sixty'")),
    "where word against boolean": (one_where("takes_statin = 'yes'"), WHERE, ("true or false", "'yes'")),
    "where no condition": (one_where("age_years"), WHERE, ("gives INTEGER",)),
    "where aggregate": (one_where("age_years > avg(age_years)"), WHERE, ("avg", "many people")),
    "where window": (one_where("row_number() over () < 5"), WHERE, ("window",)),
    "where subquery": (one_where("age_years > (select 60)"), WHERE, ("select",)),
    "where reads a file": (one_where("exists (select * from read_csv('/etc/passwd'))"), WHERE, ("select",)),
    "where function of tables": (one_where("read_text('/etc/passwd') = 'x'"), WHERE, ("read_text",)),
    "where random": (one_where("random() < 0.5"), WHERE, ("random", "another answer")),
    "where today": (one_where("current_date > date '2026-01-01'"), WHERE, ("another answer",)),
    "where comment": (one_where("sex = 'female' -- women"), WHERE, ("comment",)),
    "where above the top code": (one_where("age_years >= 85"), WHERE, ("top code 80 of nhanes", "age_years >= 80")),
    "where beyond the top code": (one_where("age_years > 80"), WHERE, ("top code 80 of nhanes",)),
    "where below more than the top code": (one_where("age_years < 82"), WHERE, ("top code 80 of nhanes",)),
    "where between across the top code": (one_where("age_years between 60 and 84"), WHERE, ("top code 80 of nhanes",)),
    "where exactly the top code": (one_where("age_years = 80"), WHERE, ("top code 80 of nhanes",)),
    "where arithmetic across the top code": (one_where("floor(age_years / 10) = 8"), WHERE, ("top code 80 of nhanes",)),
    "where is true by itself": (one_where("yes"), WHERE, ("must be text", "found true")),
    # what is no condition, and who says so
    "empty": (one_where("''"), WHERE, ("must not be empty",)),
    "a parameter": (folded_where("age_years > ?"), WHERE, ("holds the parameter `?`", "write the value")),
    "a named parameter": (folded_where("age_years > $age"), WHERE, ("holds the parameter `$age`",)),
    "a word of SQL before it": (folded_where("where sex = 'female'"), WHERE, ("is no condition in SQL", "where")),
    "a limit": (folded_where("sex = 'female' limit 10"), WHERE, ("is no condition in SQL",)),
    "brackets that leave it": (folded_where("true) or (false"), WHERE, ("is no condition in SQL",)),
    "two comparisons in a row": (folded_where("20 <= age_years <= 44"), WHERE, ("is no condition in SQL",)),
    "brackets without end": (folded_where("(" * 300 + "sex = 'female'" + ")" * 300), WHERE, ("nests brackets too deeply",)),
    "a function that is none": (folded_where("is_woman(sex)"), WHERE, ("uses is_woman, which is no function of DuckDB",)),
    "a misspelt function": (folded_where("loweer(sex) = 'female'"), WHERE, ("did you mean lower?",)),
    "a function of the machine": (folded_where("current_setting('threads') = '1'"), WHERE, ("about the machine",)),
    "rows out of one": (folded_where("unnest([1]) = 1"), WHERE, ("cannot be used",)),
    "columns": (folded_where("columns('sex') = 'female'"), WHERE, ("several columns",)),
    "another table": (folded_where("raw.nhanes_demo.RIDAGEYR > 3"), WHERE, ("core.respondents does not have",)),
    # what fails for somebody
    "a cast of text": (folded_where("cast(sex as integer) = 1"), WHERE, ("cannot be worked out where sex is male",)),
    "a root below 0": (folded_where("sqrt(age_years - 50) > 2"), WHERE, ("cannot be worked out where age_years is 0",)),
    "a logarithm of a weight": (folded_where("ln(interview_weight) > 5"), WHERE, ("where interview_weight is 0",)),
    "a logarithm of less than a number": (folded_where("ln(interview_weight - 40) > 5"), WHERE, ("where interview_weight is 0",)),
    "a logarithm down to a number": (folded_where("ln(40 - psu) > 1"), WHERE, ("where psu is 40",)),
    "a root of a number without range": (folded_where("sqrt(psu) > 1"), WHERE, ("where psu is -1",)),
    "text and a list": (folded_where("sex = ['female']"), WHERE, ("cannot be worked out",)),
    # what nobody meets
    "between reversed": (folded_where("age_years between 44 and 20"), WHERE, ("true for nobody",)),
    "a case of words": (folded_where("case sex when 'women' then true else false end"), WHERE, ("true for nobody",)),
    "a cast that gives nothing": (folded_where("try_cast(sex as integer) = 1"), WHERE, ("true for nobody",)),
    "a gap": (folded_where("age_years < 20 and age_years > 30 or sex = 'female'"), WHERE, ("true for nobody",)),
    "a level with a blank": (folded_where("sex = 'female '"), WHERE, ("which it never is", "did you mean female?")),
    "a level without width": (folded_where("sex = 'fem\u200bale'"), WHERE, ("which it never is", "did you mean female?")),
    "a list with a misspelt level": (folded_where("sex in ('male', 'femal')"), WHERE, ("'femal'", "did you mean female?")),
    "a misspelt reason": (folded_where("has_cramps_missing = 'refuse'"), WHERE, ("did you mean refused?", "not_asked")),
    "a misspelt source": (folded_where("source = 'nhane'"), WHERE, ("did you mean nhanes?",)),
    "quotes of a text program": (folded_where("sex = ‘female’"), WHERE, ("‘female’",)),
}

WORKS: dict[str, Edit] = {
    "up to the top code": one_where("age_years >= 80"),
    "below the top code": one_where("age_years < 80"),
    "between below the top code": one_where("age_years between 20 and 79"),
    "not by SQL's null": one_where("sex is not null and not takes_statin"),
    "a level of a codebook": one_where("race_ethnicity in ('mexican_american', 'other_hispanic')"),
    "a source": one_where("source = 'nhanes' or wave = '2005-2006'"),
    "of two lines": one_where(">-\n      sex = 'female'\n      and age_years >= 20"),
    "an outcome": folded_where("has_cramps"),
    "what one source asks": folded_where("not is_pregnant"),
    "what is unknown": folded_where("takes_statin is null or sex isnull"),
    "a pattern": folded_where("race_ethnicity like 'non_hispanic%' and sex ilike 'FEM%'"),
    "an expression of patterns": folded_where("regexp_matches(sex, '^fem')"),
    "cases": folded_where("case when sex = 'female' then age_years >= 20 else age_years >= 30 end"),
    "what is unknown counts as no": folded_where("coalesce(takes_statin, false)"),
    "a cast": folded_where("age_years::double > 20.5"),
    "or without brackets": folded_where("sex = 'female' and age_years >= 20 or age_years < 45"),
    "a number in quotes": folded_where("age_years between '20' and '44'"),
    "a number of a power": folded_where("age_years >= 2e1"),
    "the same as another": folded_where("age_years >= 60"),
    "the design": folded_where("psu = 1 and interview_weight > 0"),
    "a list in brackets": folded_where("sex in ['female']"),
    "a logarithm of what is above 0": folded_where("ln(interview_weight + 1) > 5"),
    "a number larger than the column's": folded_where("psu < 3000000000"),
    "beside what begins like a function": folded_where("sex = 'female' and has_cramps"),
    "a root of what is not below 0": folded_where("sqrt(age_years) > 5"),
}


@pytest.mark.parametrize("case", WORKS)
def test_a_condition_that_can_be_meant_is_let_through(good: Atlas, case: str) -> None:
    assert said_of(good.settings, "study.yaml", WORKS[case]) == []


@pytest.mark.parametrize("case", REFUSED)
def test_a_condition_that_cannot_be_meant_is_one_sentence(good: Atlas, case: str) -> None:
    edit, place, words = REFUSED[case]
    assert_one_sentence(said_of(good.settings, "study.yaml", edit), "study.yaml", place, words)
