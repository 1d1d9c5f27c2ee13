"""How far the version of a contract is raised by what changed in it."""

import pytest

from pipelines.authoring.compare import Difference
from pipelines.authoring.rule_changes import Change
from pipelines.authoring.versions import Impact, Version, least_version, parse_version

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
