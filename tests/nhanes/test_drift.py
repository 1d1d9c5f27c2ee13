"""What is known to have changed between NHANES 2005-2006 and 2007-2008 is seen, and what did not change is not."""

from tests.atlas import Atlas

LATER = "wave = '2007-2008' and compared_with = 'wave 2005-2006'"


def kinds(atlas: Atlas, table: str, condition: str) -> set[tuple[str, str]]:
    return set(
        atlas.query(f"select column_name, kind from meta.drift where table_name = 'raw.{table}' and {LATER} and {condition}")
    )


def test_the_new_activity_questionnaire_is_listed(published_nhanes: Atlas) -> None:
    found = kinds(published_nhanes, "nhanes_paq", "is_beyond")
    assert {("PAD020", "column_removed"), ("PAD440", "column_removed"), ("PAD320", "column_removed")} <= found
    assert {("PAQ605", "column_added"), ("PAQ650", "column_added"), ("PAQ665", "column_added")} <= found
    # hours of television and computer were asked of everybody aged 2 and older before, and of children only since
    assert ("PAD590", "missing_share") in found


def test_the_question_on_leg_cramps_did_not_change(published_nhanes: Atlas) -> None:
    assert kinds(published_nhanes, "nhanes_slq", "column_name = 'SLQ160'") == {
        ("SLQ160", "distribution"),
        ("SLQ160", "missing_share"),
    }
    assert kinds(published_nhanes, "nhanes_slq", "is_beyond") == set()


def test_countries_of_birth_look_renamed(published_nhanes: Atlas) -> None:
    renamed = f"select column_name, detail from meta.drift where kind = 'column_renamed' and {LATER} order by 1"
    found = published_nhanes.query(renamed)
    assert [(column, detail.partition(":")[0]) for column, detail in found] == [
        ("DMDBORN2", "looks renamed from DMDBORN"),
        ("DMDHRBR2", "looks renamed from DMDHRBRN"),
    ]


def test_what_belongs_to_the_sample_is_left_out(published_nhanes: Atlas) -> None:
    left_out = "column_name in ('SEQN', 'WTINT2YR', 'WTMEC2YR', 'SDMVPSU', 'SDMVSTRA', 'SDDSRVYR', 'WTDRD1', 'WTDR2D')"
    assert published_nhanes.query(f"select distinct kind, is_beyond from meta.drift where {left_out}") == [
        ("not_applicable", None)
    ]


def test_every_statistic_is_bounded_and_says_what_it_is(published_nhanes: Atlas) -> None:
    broken = "statistic not between 0 and 1 or is_beyond <> (statistic > threshold) or detail = ''"
    assert published_nhanes.query(f"select finding from meta.drift where {broken}") == []
    [(rows, findings)] = published_nhanes.query(
        "select count(*), count(distinct (table_name, source, wave, compared_with, finding)) from meta.drift"
    )
    assert rows == findings
