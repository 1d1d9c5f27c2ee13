"""What answers suffer on their way into a file: left unanswered, in other words, padded, shuffled, impossible, sent twice."""

import polars as pl
import pytest

from pipelines.machine.errors import ConfigurationError
from pipelines.project.generator import Impossible, Mess, Unanswered
from pipelines.synthetic.records import as_delivered, with_unanswered

CODEBOOK = pl.DataFrame(
    [
        ("sex", "male", "male", "Male", None),
        ("sex", "M", "male", "Male", None),
        ("sex", "MALE", "male", "Male", None),
        ("sex", "female", "female", "Female", None),
        ("sex", "F", "female", "Female", None),
        ("cramps", "0", "never", "Never", None),
        ("cramps", "1", "some", "Some", None),
        ("cramps", "7", "7", "Refused", "refused"),
        ("statin", "7", "7", "Refused", "refused"),
    ],
    schema=["variable", "received", "code", "meaning", "kind_of_missing"],
    orient="row",
)
N = 20_000


@pytest.fixture
def people() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": range(N),
            "age": [40] * N,
            "sex": ["male", "female"] * (N // 2),
            "cramps": [1] * N,
            "statin": [2, None] * (N // 2),
        }
    )


def test_unanswered_variables_carry_the_code_of_their_kind_or_nothing(people: pl.DataFrame) -> None:
    given = with_unanswered(people, [Unanswered(variables=["cramps"], share={"refused": 0.1, "missing": 0.05})], CODEBOOK, 7)
    assert (given["cramps"] == 7).mean() == pytest.approx(0.1, abs=0.01)
    assert given["cramps"].null_count() / N == pytest.approx(0.05, abs=0.01)
    assert set(given["cramps"].drop_nulls()) == {1, 7}


def test_the_variables_of_a_block_are_left_unanswered_together(people: pl.DataFrame) -> None:
    given = with_unanswered(people, [Unanswered(variables=["cramps", "statin"], share={"refused": 0.1})], CODEBOOK, 7)
    asked = given.filter(people["statin"].is_not_null())
    assert ((asked["cramps"] == 7) == (asked["statin"] == 7)).all()


def test_who_was_not_asked_refuses_nothing(people: pl.DataFrame) -> None:
    given = with_unanswered(people, [Unanswered(variables=["statin"], share={"refused": 0.5})], CODEBOOK, 7)
    assert given["statin"].is_null().equals(people["statin"].is_null())


def test_a_kind_of_missing_without_a_code_is_refused(people: pl.DataFrame) -> None:
    with pytest.raises(ConfigurationError, match="no code of cramps for dont_know"):
        with_unanswered(people, [Unanswered(variables=["cramps"], share={"dont_know": 0.1})], CODEBOOK, 7)


def test_variants_are_other_listed_texts_of_the_same_code(people: pl.DataFrame) -> None:
    given = as_delivered(people, Mess(text_variants={"sex": 0.3}), CODEBOOK, 7).sort(pl.col("id").cast(pl.Int64))
    meaning = given["sex"].replace({"M": "male", "MALE": "male", "F": "female"})
    assert meaning.equals(people["sex"])
    counts = dict(given["sex"].value_counts().iter_rows())
    assert counts["M"] / N == pytest.approx(0.075, abs=0.01)
    assert counts["MALE"] / N == pytest.approx(0.075, abs=0.01)
    assert counts["F"] / N == pytest.approx(0.15, abs=0.01)


def test_padded_answers_have_a_space_before_them_and_nothing_else(people: pl.DataFrame) -> None:
    given = as_delivered(people, Mess(padded={"age": 0.1}), CODEBOOK, 7)
    assert (given["age"] == " 40").mean() == pytest.approx(0.1, abs=0.01)
    assert set(given["age"]) == {"40", " 40"}
    assert given.columns == people.columns


def test_impossible_values_and_repeated_records_are_as_many_as_asked(people: pl.DataFrame) -> None:
    mess = Mess(impossible=[Impossible(variable="age", value=199, records=4)], repeated_records=3)
    given = as_delivered(people, mess, CODEBOOK, 7)
    assert given.height == N + 3
    assert (given["age"] == "199").sum() == 4
    assert given["id"].n_unique() == N
    assert given.unique().height == N


def test_records_are_shuffled_the_same_way_every_time(people: pl.DataFrame) -> None:
    once, again = (as_delivered(people, Mess(), CODEBOOK, 7) for _ in range(2))
    assert once.equals(again)
    assert not once["id"].equals(people["id"].cast(pl.String))
    assert set(once["id"]) == set(people["id"].cast(pl.String))
