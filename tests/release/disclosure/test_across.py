"""Pairs of releases: what an attacker with both gets of the people who came or went in between."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.machine.errors import CrampAtlasError
from pipelines.machine.files import remove_unfinished
from pipelines.project.respondents import FOUR_CELLS
from pipelines.release.disclosure.across import Now, rows_to_keep_back, units_to_keep_back
from pipelines.release.disclosure.former import FORMER, are_shown_again, with_former
from pipelines.release.disclosure.hiding import HIDDEN, with_hidden
from pipelines.release.disclosure.ledger import PEOPLE, VERSION, Ledger, Version
from pipelines.release.disclosure.model import Unit
from pipelines.release.disclosure.protecting import judged
from tests.release.disclosure.attack import Attacker, Group, crossed
from tests.release.disclosure.tables import BANDS, LEVELS, NAMES, POPULATIONS, SEXES, people_of, tables_of
from tests.release.disclosure.test_cohort import pairs

MINIMUM = 11

Tables = dict[str, pl.DataFrame]

CELLS = crossed(age_band=BANDS, sex=SEXES, smokes=LEVELS, ill=[True, False, None])

SOMEBODY = {"age_band": "old", "sex": "male", "smokes": "true", "ill": True}


def survey(seed: int = 0) -> list[Group]:
    """A cohort of some two thousand, of whom few old women are ill, and few young men gave no answer."""
    few = {("old", "female", "true", True): 2, ("old", "female", "false", True): 4, ("young", "male", "true", None): 3}
    few |= {("young", "male", "false", None): 5, ("middle", "male", "false", None): 6}
    return [
        cell | {"n": few.get(tuple(cell.values()), 40 + (37 * (number + seed) ** 2 + 11 * number) % 73)}
        for number, cell in enumerate(CELLS)
    ]


def changed(groups: Sequence[Group], *changes: tuple[dict[str, Any], int]) -> list[Group]:
    return [group | {"n": group["n"] + sum(n for who, n in changes if group.items() >= who.items())} for group in groups]


def release(groups: list[Group], *before: tuple[list[Group], Tables], latest: Tables | None = None) -> tuple[Tables, Tables]:
    """All public rows, and those that are not former ones; `before`: people of earlier releases and what was shown of them."""
    tables, people = tables_of(groups), people_of(groups)
    found = judged(tables, people, NAMES, MINIMUM)
    back = list(found.hidden)
    for then, shown in before:
        back = units_to_keep_back(Now(tables, found.units, people, NAMES, MINIMUM), set(back), people_of(then), shown)
    public = with_hidden(tables, found.units, back, kept_back=set(back) - set(found.hidden))
    return with_former(public, tables, latest or {}, found.units, back, MINIMUM)


COLUMNS = {"n_cases": (True,), "n_others": (False,), "n_respondents": (True, False), "n_missing": (None,)}


def meant(row: Group, column: str, layers: Sequence[str]) -> Callable[[Group], bool]:
    def holds(group: Group) -> bool:
        return (
            group["layer"] in layers
            and POPULATIONS[row["population"]](group)
            and row.get("age_band", "all") in ("all", group["age_band"])
            and row.get("sex", group["sex"]) == group["sex"]
            and row.get("exposure_level", group["smokes"]) == group["smokes"]
            and group["ill"] in COLUMNS[column]
        )

    return holds


def attacker(first: Tables, first_layers: Sequence[str], second: Tables, second_layers: Sequence[str]) -> Attacker:
    """He has both releases, and knows that the one counts people besides those of the other."""
    found = Attacker([cell | {"layer": layer} for layer in ("stayed", "besides") for cell in CELLS])
    for tables, layers in ((first, first_layers), (second, second_layers)):
        for table in tables.values():
            for row in table.iter_rows(named=True):
                for column in ("n_cases", "n_respondents", "n_missing"):
                    found.learn(meant(row, column, layers), row[column])
    return found


def small_sums(groups: list[Group]) -> list[tuple[Group, str, int]]:
    """Counts of the full rows that must stay unknown, and those that are their differences."""
    found = []
    for table in tables_of(groups).values():
        for row in table.to_dicts():
            counts = row | {"n_others": row["n_respondents"] - row["n_cases"]}
            for column in COLUMNS:
                is_telling = column in ("n_cases", "n_others") and counts["n_respondents"] > 0
                if counts[column] < MINIMUM and (is_telling or counts[column] > 0):
                    found.append((row, column, counts[column]))
    return found


STEPS: dict[str, list[tuple[dict[str, Any], int]]] = {
    "one came": [(SOMEBODY, 1)],
    "one woman of no answer came": [({"age_band": "young", "sex": "female", "smokes": "false", "ill": None}, 1)],
    "ten came": [(SOMEBODY | {"age_band": band}, n) for band, n in (("young", 3), ("middle", 3), ("old", 4))],
    "a whole wave of few old people came": [({"age_band": band}, n) for band, n in (("young", 30), ("middle", 25), ("old", 2))],
}


@pytest.mark.parametrize("went", [False, True], ids=["came", "went"])
@pytest.mark.parametrize("step", STEPS)
def test_nobody_who_came_or_went_is_given_away_by_a_pair_of_releases(step: str, went: bool) -> None:
    few, many = survey(), changed(survey(), *STEPS[step])
    before, after = (many, few) if went else (few, many)
    first, _ = release(before)
    second, fresh = release(after, (before, first), latest=first)
    layers = (["stayed", "besides"], ["stayed"]) if went else (["stayed"], ["stayed", "besides"])
    looking = attacker(first, layers[0], fresh, layers[1])
    own = [group | {"n": other["n"] - group["n"]} for group, other in zip(few, many, strict=True)]
    asked = [(row, column, n, ["besides"]) for row, column, n in small_sums(own)]
    asked += [(row, column, n, layers[0]) for row, column, n in small_sums(before)]
    asked += [(row, column, n, layers[1]) for row, column, n in small_sums(after)]
    assert len(asked) > 8
    distinct = {tuple(looking.sum_of(meant(row, column, of))): (row, column, n, of) for row, column, n, of in asked}
    for row, column, n, of in distinct.values():
        lower, upper = looking.bounds(meant(row, column, of))
        assert lower - 1e-5 <= n <= upper + 1e-5
        assert upper - lower >= MINIMUM - 1e-5, (column, of, {name: row.get(name) for name in ("population", "age_band", "sex")})
    # and there is still a release
    assert sum(table["n_respondents"].count() for table in second.values()) > 5


def test_the_same_attacker_gets_the_one_who_came_where_each_release_is_protected_for_itself() -> None:
    before, after = survey(), changed(survey(), (SOMEBODY, 1))
    looking = attacker(release(before)[0], ["stayed"], release(after)[0], ["stayed", "besides"])
    row = {"population": "everyone"}
    assert looking.bounds(meant(row, "n_cases", ["besides"])) == pytest.approx((1, 1), abs=1e-5)


def test_a_row_of_one_person_more_keeps_its_former_numbers_and_says_so() -> None:
    before, after = survey(), changed(survey(), (SOMEBODY, 1))
    first, _ = release(before)
    second, fresh = release(after, (before, first), latest=first)
    name = "report.prevalence_by_age_band"
    former = second[name].filter(population="everyone", age_band="all").to_dicts()
    [was] = first[name].filter(population="everyone", age_band="all").to_dicts()
    assert former == [was | {"presentation_reason": FORMER}]
    assert fresh[name].filter(population="everyone", age_band="all").is_empty()
    # the young are the same people
    young = [tables[name].filter(age_band="young").drop("presentation_reason").to_dicts() for tables in (first, second)]
    assert young[0] == young[1] != []


def test_a_row_that_falls_below_the_threshold_by_few_people_does_not_tell_it() -> None:
    who = {"age_band": "old", "sex": "male", "smokes": "true"}
    groups = [group | {"n": 100} for group in CELLS]
    before = [group | {"n": 11} if group.items() >= (who | {"ill": True}).items() else group for group in groups]
    before = [
        group | {"n": 0} if group.items() >= {"age_band": "old", "sex": "male", "smokes": "false"}.items() else group
        for group in before
    ]
    after = changed(before, (who | {"ill": True}, -2))
    first, _ = release(before)
    second, _ = release(after, (before, first), latest=first)
    rows = [
        tables["report.prevalence_by_age_band_and_sex"].filter(population="everyone", age_band="old", sex="male").to_dicts()[0]
        for tables in (first, second)
    ]
    assert [row["n_cases"] for row in rows] == [11, 11]
    assert rows[1]["presentation_reason"] == FORMER


def test_fifty_people_of_one_group_move_nothing_and_hide_nothing() -> None:
    before, after = survey(), changed(survey(), (SOMEBODY, 50))
    first, _ = release(before)
    second, fresh = release(after, (before, first), latest=first)
    for name, table in first.items():
        assert second[name].drop("presentation_reason").equals(table.drop("presentation_reason"))
        assert fresh[name].is_empty()


def test_without_changes_a_release_shows_the_same_again() -> None:
    first, _ = release(survey())
    second, fresh = release(survey(), (survey(), first), latest=first)
    assert all(second[name].equals(first[name]) and fresh[name].equals(first[name]) for name in first)


def test_a_release_is_held_against_every_one_before_it() -> None:
    one, two, three = survey(), changed(survey(), ({}, 20)), changed(survey(), (SOMEBODY, 1))
    first, _ = release(one)
    second, fresh = release(two, (one, first), latest=first)
    third, _ = release(three, (one, first), (two, fresh), latest=second)
    # the numbers of the second release are far from those of now, and those of the first too near
    [row] = third["report.prevalence_by_age_band"].filter(population="everyone", age_band="all").to_dicts()
    assert row["n_respondents"] is None
    assert row["presentation_reason"].startswith(HIDDEN)


@pytest.mark.parametrize(("more", "is_kept_back"), [(0, False), (1, True), (10, True), (11, False)])
def test_matched_rows_of_a_wave_keep_their_former_numbers_where_few_pairs_changed(more: int, is_kept_back: bool) -> None:
    before = pairs(case_only=60, control_only=20, both=100, neither=200)
    other = pairs(case_only=60, control_only=20, both=100, neither=200).with_columns(exposure=pl.lit("takes_statin"))
    now = pl.concat([pairs(case_only=60, control_only=20, both=100, neither=200 + more), other])
    assert rows_to_keep_back(now, [before], MINIMUM) == ([0, 1] if is_kept_back else [])


def version(name: str) -> Version:
    return Version(name, "objects", {"populations": {"all": "true"}}, NAMES, people_of(survey()))


def test_the_ledger_keeps_all_that_was_shown_of_each_version(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "cohort")
    assert (ledger.shown(), ledger.latest()) == ([], ({}, {}))
    rows = {"report.trends": pl.DataFrame({"wave": ["one", "two"], "n_respondents": [40, None]})}
    more = {"report.trends": pl.DataFrame({"wave": ["two"], "n_respondents": [50]})}
    ledger.record(version("a"), rows, rows)
    ledger.record(version("b"), more, more)
    ledger.record(version("a"), more, rows)
    assert [shown.version.digest for shown in ledger.shown()] == ["b", "a"]
    assert ledger.shown()[1].tables["report.trends"].rows() == [("one", 40), ("two", None), ("two", 50)]
    assert ledger.shown()[1].version.names == NAMES
    assert ledger.shown()[1].version.people.equals(people_of(survey()))
    settings, latest = ledger.latest()
    assert settings == version("a").settings
    assert latest["report.trends"].equals(rows["report.trends"])


def test_a_crash_while_a_version_is_noted_leaves_the_ledger_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(tmp_path / "cohort")
    rows = {"report.trends": pl.DataFrame({"wave": ["one"]})}
    ledger.record(version("a"), rows, rows)
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.release.disclosure.ledger.replace_text", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ledger.record(version("b"), rows, rows)
    assert [shown.version.digest for shown in ledger.shown()] == ["a"]
    remove_unfinished(tmp_path)  # as every refresh begins
    ledger.record(version("b"), rows, rows)
    assert [shown.version.digest for shown in ledger.shown()] == ["b", "a"]


FOLDER = b"a folder stands in its place"


@pytest.mark.parametrize("name", [VERSION, f"{PEOPLE}.*", "report.trends.*"])
@pytest.mark.parametrize("content", [b"", b"[]", b"PAR1", None, FOLDER])
def test_a_damaged_ledger_is_named_and_not_taken_for_an_empty_one(tmp_path: Path, name: str, content: bytes | None) -> None:
    ledger = Ledger(tmp_path / "cohort")
    ledger.record(version("a"), {"report.trends": pl.DataFrame({"wave": ["one"]})}, {})
    assert ledger.is_readable()
    [path] = (tmp_path / "cohort" / "0001").glob(name)
    if content is None or content == FOLDER:
        path.unlink()
    if content == FOLDER:
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    assert not ledger.is_readable()
    with pytest.raises(CrampAtlasError, match="tells what earlier releases showed: restore it from a backup"):
        ledger.shown()


@pytest.mark.parametrize("lost", ["0001", "0002"])
def test_a_version_that_is_lost_is_missed(tmp_path: Path, lost: str) -> None:
    ledger = Ledger(tmp_path / "cohort")
    rows = {"report.trends": pl.DataFrame({"wave": ["one"]})}
    for name in "ab":
        ledger.record(version(name), rows, rows)
    shutil.rmtree(tmp_path / "cohort" / lost)
    assert not ledger.is_readable()
    with pytest.raises(CrampAtlasError, match=f"cohort/{lost} cannot be read"):
        ledger.shown()


def test_a_file_in_the_place_of_a_ledger_is_no_empty_ledger(tmp_path: Path) -> None:
    (tmp_path / "cohort").write_text("", encoding="utf-8")
    assert not Ledger(tmp_path / "cohort").is_readable()


def test_matched_rows_whose_unanswered_were_hidden_are_compared_by_the_rest() -> None:
    before = pairs(case_only=60, control_only=20, both=100, neither=200)
    shown = before.with_columns(n_missing=pl.lit(None, dtype=before.schema["n_missing"]))
    assert rows_to_keep_back(before, [shown], MINIMUM) == []
    assert rows_to_keep_back(pairs(case_only=61, control_only=20, both=100, neither=200), [shown], MINIMUM) == [0]


def weighted(odds_ratio: float) -> pl.DataFrame:
    """A row of a weighted adjusted model, whose odds ratio is no formula of its cells."""
    row = pairs(case_only=60, control_only=20, both=100, neither=200)
    return row.with_columns(weight=pl.lit("w"), model=pl.lit("adjusted"), adjusted_for=pl.lit("sex"), odds_ratio=odds_ratio)


@pytest.mark.parametrize("are_cells_shown", [True, False])
def test_an_estimate_does_not_move_with_one_person(are_cells_shown: bool) -> None:
    name = "report.odds_ratios"
    now = {name: weighted(2.0345)}
    units = [Unit(name, 0, "cells", (0,), False), Unit(name, 0, "missing", (1,), False)]
    hidden = {} if are_cells_shown else dict.fromkeys((*FOUR_CELLS, "n_missing"))
    was = weighted(2.0).with_columns(pl.lit(value, dtype=pl.Int64).alias(column) for column, value in hidden.items())
    back = (0, 1)
    alone, fresh = with_former(with_hidden(now, units, back, kept_back=back), now, {}, units, back, MINIMUM)
    assert (alone[name]["odds_ratio"].to_list(), fresh[name].height) == ([None], 0)
    both, fresh = with_former(with_hidden(now, units, back, kept_back=back), now, {name: was}, units, back, MINIMUM)
    assert (both[name]["odds_ratio"].to_list(), fresh[name].height) == ([2.0], 0)
    assert both[name]["presentation_reason"].to_list() == [FORMER]


def test_counts_that_were_shown_elsewhere_are_no_repetition() -> None:
    first, _ = release(survey())
    assert are_shown_again(first, first)
    name = "report.prevalence_by_age_band"
    one = first[name].filter(population="everyone", age_band="all")
    assert not are_shown_again({name: one}, first | {name: first[name].filter(pl.col("population") != "everyone")})
    assert not are_shown_again({name: one.with_columns(n_respondents=pl.col("n_respondents") + 1)}, first)
