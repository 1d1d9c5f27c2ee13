"""What changed between two states of a contract, what it means for consumers, and the version that it demands."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.authoring.compare import Difference, compare
from pipelines.authoring.rule_changes import Change
from pipelines.authoring.versions import Impact
from tests.authoring.changed_contracts import (
    ADDED,
    OUT_MAY_APPEAR,
    Edit,
    both,
    column,
    head,
    listed,
    nothing,
    plus,
    ranged,
    state,
    table,
    verdict,
    waves,
)
from tests.contracts.sleep_contract import custom

CHANGES: list[tuple[str, Edit, Edit, list[tuple[Impact, str]]]] = [
    ("column added", nothing, plus(**ADDED), [("compatible", "column bmi: added (DOUBLE)")]),
    ("column removed", plus(**ADDED), nothing, [("breaking", "column bmi: removed")]),
    (
        "column renamed",
        plus(**ADDED),
        plus(**{**ADDED, "name": "body_mass"}),
        [("breaking", "column bmi: renamed to body_mass")],
    ),
    (
        "another column in its place",
        plus(**ADDED),
        plus(**{**ADDED, "name": "height", "description": "Height"}),
        [("breaking", "column bmi: removed"), ("compatible", "column height: added (DOUBLE)")],
    ),
    (
        "columns in another order",
        nothing,
        lambda content: content["schema"][0]["properties"].reverse(),
        [("compatible", "columns in another order; what reads them by position reads others")],
    ),
    (
        "column retyped",
        nothing,
        column("person", physicalType="BIGINT"),
        [("breaking", "column person: type INTEGER -> BIGINT")],
    ),
    (
        "required added",
        nothing,
        column("weight", required=True),
        [("compatible", "rule weight.required: added (reject): weight is given in every row")],
    ),
    (
        "required removed",
        column("weight", required=True),
        nothing,
        [("breaking", "rule weight.required: removed; rows without a value may appear")],
    ),
    (
        "unique added",
        nothing,
        column("weight", unique=True),
        [("compatible", "rule weight.unique: added (reject): no two rows have the same weight")],
    ),
    (
        "unique removed",
        column("weight", unique=True),
        nothing,
        [("breaking", "rule weight.unique: removed; a join on it may multiply rows")],
    ),
    (
        "key added",
        column("person", primaryKey=None, required=True),
        nothing,
        [("compatible", "key: none -> person; rows are told apart by it from now on")],
    ),
    (
        "key removed",
        nothing,
        column("person", primaryKey=None, required=True),
        [("breaking", "key: person -> none; a row stands for something else, and joins on the key find other rows")],
    ),
    (
        "key widened",
        column("weight", required=True),
        column("weight", primaryKey=True, primaryKeyPosition=2),
        [("breaking", "key: person -> person, weight; a row stands for something else, and joins on the key find other rows")],
    ),
    (
        "key in another order",
        both(column("person", primaryKeyPosition=1), column("weight", primaryKey=True, primaryKeyPosition=2)),
        both(column("person", primaryKeyPosition=2), column("weight", primaryKey=True, primaryKeyPosition=1)),
        [("descriptive", "key: person, weight -> weight, person; the same columns in another order")],
    ),
    (
        "range added",
        nothing,
        ranged(minimum=0),
        [("compatible", "rule weight.range: added (reject): weight is at least 0")],
    ),
    ("range removed", ranged(minimum=0), nothing, [("compatible", f"rule weight.range: removed; {OUT_MAY_APPEAR}")]),
    (
        "range tightened",
        ranged(minimum=0, maximum=10),
        ranged(minimum=1, maximum=10),
        [
            (
                "compatible",
                "rule weight.range: tightened: weight is at least 0 and at most 10 -> weight is at least 1 and at most 10",
            )
        ],
    ),
    (
        "range made strict",
        ranged(minimum=0),
        ranged(exclusiveMinimum=0),
        [("compatible", "rule weight.range: tightened: weight is at least 0 -> weight is above 0")],
    ),
    (
        "range loosened",
        ranged(exclusiveMaximum=10),
        ranged(maximum=10),
        [("compatible", f"rule weight.range: loosened: weight is below 10 -> weight is at most 10; {OUT_MAY_APPEAR}")],
    ),
    (
        "range moved",
        ranged(minimum=0, maximum=10),
        ranged(minimum=5, maximum=15),
        [
            (
                "compatible",
                "rule weight.range: moved: weight is at least 0 and at most 10 -> weight is at least 5 and at most 15; "
                + OUT_MAY_APPEAR,
            )
        ],
    ),
    (
        "list longer",
        listed("calm", "tired"),
        listed("calm", "tired", "late"),
        [("compatible", "rule note.enum: loosened, now also late; a query that tells all values apart must know them")],
    ),
    (
        "list shorter",
        listed("calm", "tired", "late"),
        listed("calm", "tired"),
        [("compatible", "rule note.enum: tightened, no longer late")],
    ),
    (
        "list longer, of a rule that only warns",
        listed("calm", severity="warn"),
        listed("calm", "late", severity="warn"),
        [("descriptive", "rule note.enum: loosened, now also late; a query that tells all values apart must know them")],
    ),
    (
        "pattern changed",
        column("note", logicalTypeOptions={"pattern": "^a"}),
        column("note", logicalTypeOptions={"pattern": "^b"}),
        [
            (
                "compatible",
                "rule note.pattern: asks something else; whether it keeps out less cannot be told: note matches the pattern ^b",
            )
        ],
    ),
    (
        "severity from reject to set aside",
        both(ranged(minimum=0), column("weight", customProperties=custom(severity="reject"))),
        both(ranged(minimum=0), column("weight", customProperties=custom(severity="set_aside"))),
        [("compatible", "rule weight.range: severity reject -> set_aside")],
    ),
    (
        "a range that only warns from now on",
        ranged(minimum=0),
        both(ranged(minimum=0), column("weight", customProperties=custom(severity="warn"))),
        [("compatible", f"rule weight.range: severity reject -> warn; {OUT_MAY_APPEAR}")],
    ),
    (
        "required that only warns from now on",
        column("weight", required=True),
        column("weight", required=True, customProperties=custom(severity="warn")),
        [("breaking", "rule weight.required: severity reject -> warn; rows without a value may appear")],
    ),
    (
        "a rule of rows reworded",
        table(quality=[{"metric": "rowCount", "mustBeGreaterThan": 0, "description": "not empty"}]),
        table(quality=[{"metric": "rowCount", "mustBeGreaterThan": 0, "description": "it holds a row"}]),
        [("descriptive", "rule table.rowCount: description reworded")],
    ),
    (
        "fewer answers may be missing",
        column("weight", quality=[{"metric": "nullValues", "mustBeLessThan": 10, "unit": "percent"}]),
        column("weight", quality=[{"metric": "nullValues", "mustBeLessThan": 5, "unit": "percent"}]),
        [
            (
                "compatible",
                "rule weight.nullValues: tightened: weight is missing in less than 10 % of the rows -> "
                "weight is missing in less than 5 % of the rows",
            )
        ],
    ),
    (
        "codes beside no range any more",
        nothing,
        column("hours", logicalTypeOptions=None),
        [
            (
                "compatible",
                "rule hours.codebook: tightened: hours is at least 1 and at most 11 or is listed in the codebook (77, 99) -> "
                "hours is listed in the codebook (77, 99)",
            )
        ],
    ),
    (
        "unit changed",
        column("weight", customProperties=custom(unit="kg")),
        column("weight", customProperties=custom(unit="lb")),
        [("breaking", "column weight: unit kg -> lb")],
    ),
    (
        "unit stated at last",
        nothing,
        column("weight", customProperties=custom(unit="kg")),
        [("descriptive", "column weight: unit none -> kg")],
    ),
    (
        "unit withdrawn",
        column("weight", customProperties=custom(unit="kg")),
        nothing,
        [("breaking", "column weight: unit kg -> none")],
    ),
    ("wave added", nothing, waves("second", "third"), [("compatible", "column is_pregnant: waves second -> second, third")]),
    (
        "wave removed",
        waves("second", "third"),
        waves("third"),
        [("breaking", "column is_pregnant: waves second, third -> third; it is NULL in a wave that had it")],
    ),
    (
        "asked in every wave from now on",
        nothing,
        column("is_pregnant", customProperties=None),
        [("compatible", "column is_pregnant: waves second -> every wave; there are values where there were none")],
    ),
    (
        "classification stated",
        nothing,
        column("person", classification="identifier"),
        [("compatible", "column person: classification none -> identifier; it may have to be handled otherwise")],
    ),
    ("description", nothing, column("weight", description="Weight"), [("descriptive", "column weight: description reworded")]),
    (
        "question",
        nothing,
        column("cramps", customProperties=custom(codebook=True, question="How often at night?")),
        [("descriptive", "column cramps: question reworded")],
    ),
    (
        "codes of another variable",
        nothing,
        column("cramps", customProperties=custom(codebook=True, question="How often?", codebookVariable="hours")),
        [("breaking", "column cramps: its codes are those of hours, not of cramps")],
    ),
    (
        "description of the table",
        nothing,
        table(description="One row per sleeper."),
        [
            (
                "descriptive",
                "description of the table reworded (a row that stands for something else is a change of the key)",
            )
        ],
    ),
    ("purpose", nothing, head(description={"purpose": "Sleep"}), [("descriptive", "purpose reworded")]),
    (
        "a link",
        nothing,
        head(description={"authoritativeDefinitions": [{"type": "terms", "url": "https://example.org"}]}),
        [("descriptive", "links reworded")],
    ),
    (
        "reason for no key",
        column("person", primaryKey=None),
        both(column("person", primaryKey=None), table(customProperties=custom(noPrimaryKeyBecause="none is there"))),
        [("descriptive", "reason for having no key reworded")],
    ),
    ("what is read nowhere", nothing, head(tags=["sleep"]), [("descriptive", "other words of the file")]),
    ("only the version", nothing, head(version="1.0.1"), []),
    (
        "not comparable any more",
        verdict("identical"),
        verdict("not_comparable"),
        [("breaking", "comparability of hours in s 1 and 2: identical -> not_comparable; pooled numbers disappear")],
    ),
    (
        "comparable from now on",
        verdict("not_comparable"),
        verdict("recoded"),
        [("compatible", "comparability of hours in s 1 and 2: not_comparable -> recoded; pooled numbers appear")],
    ),
    (
        "verdict withdrawn",
        verdict("identical"),
        nothing,
        [("compatible", "comparability of hours in s 1 and 2: identical -> none")],
    ),
    (
        "verdict stated",
        nothing,
        verdict("identical"),
        [("descriptive", "comparability of hours in s 1 and 2: none -> identical")],
    ),
    (
        "verdict reworded",
        verdict("identical"),
        verdict("identical", "same words"),
        [("descriptive", "comparability of hours in s 1 and 2: reason or reference reworded")],
    ),
]


@pytest.mark.parametrize(("before", "after", "expected"), [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES])
def test_each_kind_of_change_is_named_and_weighed(
    compared: Callable[..., list[tuple[Impact, str]]], before: Edit, after: Edit, expected: list[tuple[Impact, str]]
) -> None:
    assert compared(before, after) == expected


@pytest.mark.parametrize(
    ("known", "impact", "note"),
    [(["second"], "compatible", ""), (["first", "second"], "breaking", "; it is NULL in a wave that had it")],
    ids=["all that there were keep it", "one of them loses it"],
)
def test_a_list_of_waves_in_place_of_every_wave_is_judged_by_the_waves_of_the_source(
    compared: Callable[..., list[tuple[Impact, str]]], known: list[str], impact: Impact, note: str
) -> None:
    found = compared(column("is_pregnant", customProperties=None), nothing, waves=known)
    assert found == [(impact, f"column is_pregnant: waves every wave -> second{note}")]


def test_a_list_of_waves_breaks_where_those_of_the_source_are_not_known(
    compared: Callable[..., list[tuple[Impact, str]]],
) -> None:
    assert compared(column("is_pregnant", customProperties=None), nothing)[0][0] == "breaking"


def test_the_worst_change_stands_first(compared: Callable[..., list[tuple[Impact, str]]]) -> None:
    found = compared(plus(**ADDED), both(column("weight", description="Weight", required=True)))
    assert [impact for impact, _ in found] == ["breaking", "compatible", "descriptive"]


def test_new_and_removed_tables_demand_no_version(tmp_path: Path) -> None:
    contract = state(tmp_path, nothing)
    assert compare({}, {"raw.sleep": contract}) == [Difference("raw.sleep", None, "1.0.0", (Change("compatible", "new table"),))]
    removed = compare({"raw.sleep": contract}, {})
    assert removed == [Difference("raw.sleep", "1.0.0", None, (Change("breaking", "table removed"),))]
    assert removed[0].is_raised_enough
    assert compare({"raw.sleep": contract}, {"raw.sleep": contract}) == []
