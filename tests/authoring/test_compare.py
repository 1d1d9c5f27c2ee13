"""What changed between two states of a contract, what it means for consumers, and the version that it demands."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.authoring.compare import Difference, changes, compare
from pipelines.authoring.rule_changes import Change
from pipelines.authoring.versions import Impact, Version, least_version, parse_version
from pipelines.contracts.model import Contract, load_contract
from tests.contracts.sleep_contract import CODEBOOK, columns, custom, document

Edit = Callable[[dict[str, Any]], None]


def nothing(_: dict[str, Any]) -> None:
    """An edit that edits nothing."""


def column(name: str, **fields: Any) -> Edit:
    """Give a column other fields; None takes a field away."""

    def edit(content: dict[str, Any]) -> None:
        given = next(given for given in content["schema"][0]["properties"] if given["name"] == name)
        given.update(fields)
        for field in [field for field, value in fields.items() if value is None]:
            del given[field]

    return edit


def table(**fields: Any) -> Edit:
    return lambda content: content["schema"][0].update(fields)


def head(**fields: Any) -> Edit:
    return lambda content: content.update(fields)


def without(name: str) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        content["schema"][0]["properties"] = [given for given in content["schema"][0]["properties"] if given["name"] != name]

    return edit


def plus(**fields: Any) -> Edit:
    return lambda content: content["schema"][0]["properties"].append(fields)


def both(*edits: Edit) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        for one in edits:
            one(content)

    return edit


def state(folder: Path, edit: Edit, codebook: str = CODEBOOK) -> Contract:
    """The good contract with an edit, loaded from a folder of its own."""
    for name in ("raw", "codebooks"):
        (folder / name).mkdir(parents=True)
    content = document(columns())
    edit(content)
    (folder / "raw" / "sleep.odcs.yaml").write_text(yaml.safe_dump(content))
    (folder / "codebooks" / "sleep.csv").write_text(codebook)
    return load_contract(folder / "raw" / "sleep.odcs.yaml", folder / "codebooks")


@pytest.fixture
def compared(tmp_path: Path) -> Callable[..., list[tuple[Impact, str]]]:
    def compare_states(
        before: Edit, after: Edit, codebooks: tuple[str, str] = (CODEBOOK, CODEBOOK), waves: Sequence[str] = ()
    ) -> list[tuple[Impact, str]]:
        old = state(tmp_path / "before", before, codebooks[0])
        new = state(tmp_path / "after", after, codebooks[1])
        return [(change.impact, change.text) for change in changes(old, new, waves)]

    return compare_states


def verdict(kind: str, reason: str = "as it is") -> Edit:
    entry = {"source": "s", "variables": ["hours"], "waves": ["1", "2"], "verdict": kind, "reason": reason, "reference": "a page"}
    return table(customProperties=custom(comparability=[entry]))


def ranged(**options: object) -> Edit:
    return column("weight", logicalTypeOptions=options)


def listed(*texts: str, severity: str = "reject") -> Edit:
    return column("note", logicalTypeOptions={"enum": list(texts)}, customProperties=custom(severity=severity))


def waves(*names: str) -> Edit:
    return column("is_pregnant", customProperties=custom(waves=list(names)))


ADDED = {"name": "bmi", "physicalType": "DOUBLE", "description": "Body mass index"}
OUT_MAY_APPEAR = "what it kept out may appear"

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


def codes(before: str, after: str) -> tuple[str, str]:
    """The codebook with one text replaced."""
    assert CODEBOOK.count(before) == 1
    return CODEBOOK, CODEBOOK.replace(before, after)


CODE_CHANGES: list[tuple[str, tuple[str, str], list[tuple[Impact, str]]]] = [
    (
        "added",
        codes("cramps,7", "cramps,2,often,Often,\ncramps,7"),
        [("compatible", "code 2 of cramps (Often): added; a query that tells all codes apart must know it")],
    ),
    (
        "added where it was an ordinary number",
        codes("hours,77", "hours,9,,Don't know,dont_know\nhours,77"),
        [("breaking", "code 9 of hours (Don't know): added; it was an ordinary number before")],
    ),
    (
        "added at the upper limit of the ordinary numbers",
        codes("hours,77", "hours,11,11,11 or more,\nhours,77"),
        [("breaking", "code 11 of hours (11 or more): added; it was an ordinary number before")],
    ),
    (
        "added just above the ordinary numbers",
        codes("hours,77", "hours,12,12,12 or more,\nhours,77"),
        [("compatible", "code 12 of hours (12 or more): added; a query that tells all codes apart must know it")],
    ),
    (
        "removed",
        codes("cramps,9,,Don't know,dont_know\n", ""),
        [("breaking", "code 9 of cramps (Don't know): removed; a look-up of it finds nothing")],
    ),
    ("recoded", codes("1,rarely", "1,seldom"), [("breaking", "code 1 of cramps: recoded rarely -> seldom")]),
    (
        "kind of missing",
        codes("cramps,7,,Refused,refused", "cramps,7,,Refused,missing"),
        [("breaking", "code 7 of cramps: kind of missing refused -> missing")],
    ),
    (
        "an answer that counts as missing",
        codes("0,never,Never,", "0,never,Never,not_asked"),
        [("breaking", "code 0 of cramps: kind of missing an answer -> not_asked")],
    ),
    (
        "meaning",
        codes('"Rarely (1 a month)"', '"Rarely (2 a month)"'),
        [("breaking", "code 1 of cramps: meaning 'Rarely (1 a month)' -> 'Rarely (2 a month)'")],
    ),
    (
        "spelling of the meaning",
        codes('"Rarely (1 a month)"', '"rarely, 1 a month"'),
        [("descriptive", "code 1 of cramps: meaning 'Rarely (1 a month)' -> 'rarely, 1 a month'")],
    ),
]


@pytest.mark.parametrize(("codebooks", "expected"), [case[1:] for case in CODE_CHANGES], ids=[case[0] for case in CODE_CHANGES])
def test_each_kind_of_change_of_a_code_is_named_and_weighed(
    compared: Callable[..., list[tuple[Impact, str]]], codebooks: tuple[str, str], expected: list[tuple[Impact, str]]
) -> None:
    assert compared(nothing, nothing, codebooks) == expected


def test_a_code_that_becomes_an_ordinary_number_says_so(compared: Callable[..., list[tuple[Impact, str]]]) -> None:
    wider = column("hours", logicalTypeOptions={"minimum": 1, "maximum": 77})
    found = compared(wider, wider, codes("hours,77,,Refused,refused\n", ""))
    assert found == [("breaking", "code 77 of hours (Refused): removed; it reads as an ordinary number now")]


def test_the_codes_of_a_removed_column_are_part_of_it(compared: Callable[..., list[tuple[Impact, str]]]) -> None:
    without_codes = "\n".join(line for line in CODEBOOK.splitlines() if not line.startswith("cramps"))
    assert compared(nothing, without("cramps"), (CODEBOOK, without_codes)) == [("breaking", "column cramps: removed")]


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


LEAST: list[tuple[str, Impact | None, str]] = [
    ("1.2.3", "breaking", "2.0.0"),
    ("1.2.3", "compatible", "1.3.0"),
    ("1.2.3", "descriptive", "1.2.4"),
    ("1.2.3", None, "1.2.3"),
    ("0.2.3", "breaking", "0.3.0"),
    ("0.2.3", "compatible", "0.2.4"),
    ("0.2.3", "descriptive", "0.2.4"),
    ("0.0.9", "breaking", "0.1.0"),
    ("9.9.9", "compatible", "9.10.0"),
]


@pytest.mark.parametrize(("before", "worst", "expected"), LEAST)
def test_the_worst_change_says_how_far_a_version_is_raised(before: str, worst: Impact | None, expected: str) -> None:
    assert str(least_version(parse_version(before), worst)) == expected


ENOUGH: list[tuple[str, str, Impact, bool]] = [
    ("1.2.3", "2.0.0", "breaking", True),
    ("1.2.3", "1.9.9", "breaking", False),
    ("1.2.3", "1.2.3", "descriptive", False),
    ("1.2.3", "1.2.4", "descriptive", True),
    ("1.2.3", "2.0.0", "descriptive", True),
    ("1.2.3", "1.2.4", "compatible", False),
    ("1.9.0", "1.10.0", "compatible", True),
    ("1.2.3", "1.2.2", "descriptive", False),
    ("0.1.0", "1.0.0", "breaking", True),
    ("0.1.0", "0.2.0", "breaking", True),
    ("0.1.0", "0.1.1", "breaking", False),
    ("1.0.0", "0.9.0", "breaking", False),
    ("1.2", "1.2.0", "breaking", True),
    ("1.2.0", "1.3", "compatible", False),
]


@pytest.mark.parametrize(("before", "after", "impact", "expected"), ENOUGH)
def test_a_version_is_raised_far_enough_or_not(before: str, after: str, impact: Impact, expected: bool) -> None:
    assert Difference("raw.sleep", before, after, (Change(impact, "something"),)).is_raised_enough is expected


@pytest.mark.parametrize("text", ["1.0", "v1.0.0", "1.0.0-rc1", "01.0.0", "1.0.0 ", "", "1.0.0.0", "1.-1.0"])
def test_what_is_not_three_whole_numbers_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not X\.Y\.Z"):
        parse_version(text)


def test_versions_are_ordered_by_number_and_not_by_letter() -> None:
    assert parse_version("1.10.0") > parse_version("1.9.9") > Version(1, 9, 8)


def test_new_and_removed_tables_demand_no_version(tmp_path: Path) -> None:
    contract = state(tmp_path, nothing)
    assert compare({}, {"raw.sleep": contract}) == [Difference("raw.sleep", None, "1.0.0", (Change("compatible", "new table"),))]
    removed = compare({"raw.sleep": contract}, {})
    assert removed == [Difference("raw.sleep", "1.0.0", None, (Change("breaking", "table removed"),))]
    assert removed[0].is_raised_enough
    assert compare({"raw.sleep": contract}, {"raw.sleep": contract}) == []
