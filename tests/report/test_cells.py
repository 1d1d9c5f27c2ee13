"""Report tables from cells: equal to the bit to those from the respondents, and nobody is read again."""

import hashlib
import json
from collections.abc import Iterable, Iterator

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.core.cells import build_cells, cells_of_wave, places_of_cells
from pipelines.core.packing import MOST_NUMBERS, digits, flag, packed
from pipelines.core.plan import plan_cells
from pipelines.making.cells import LARGE_WAVE, LARGEST_SHARE, MOST_KEYS, QUESTIONS, Keys, Wanted, added_together, halves, is_gain
from pipelines.making.engine import bind_select, no_rows
from pipelines.project.designs import Imputation
from pipelines.project.project import Project
from pipelines.project.respondents import CELLS
from pipelines.report import estimated, held
from pipelines.report.estimation import Estimation
from pipelines.report.estimators import ESTIMATORS, SETTINGS_NOT_READ
from pipelines.report.held import Held, cells_of
from pipelines.report.plan import plan_report
from pipelines.statistics import Cells
from pipelines.statistics.design import MANY_CELLS
from pipelines.store import Place
from tests.atlas import Atlas, add_part, make_atlas
from tests.survey_cases import add_survey, harmonise

SURVEY = "synthetic_survey"
RESPONDENTS = "core.respondents"

DESIGNS = ("survey_birthwt", "survey_rounds", "survey_panel", "survey_blankage")
"""A cohort without weights, two waves of a survey with weights, a panel, and ages that are unknown."""


OF_MEANS = "report.characteristics_by_outcome"

ASKING_FOR_NO_KEY = (
    ("confidence_level: 0.95", "confidence_level: 0.9"),
    ("label: No leisure-time physical activity", "label: Sedentary"),
    ("    label: Adults aged 20 and older\n", "    label: Grown-ups\n"),
    ("standard_population: us_2000_adults_three_groups", "standard_population: us_2000_eleven_groups"),
    ("  takes_statin: {label: Statin, reference: false}\n", ""),
)
"""Changes of study.yaml: before, after."""


@pytest.fixture(autouse=True, scope="module")
def small_waves_have_cells() -> Iterator[None]:
    """As if they were large, with so many people to a cell."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.making.cells.LARGE_WAVE", 0)
        patch.setattr("pipelines.making.cells.LARGEST_SHARE", 1.0)
        yield


@pytest.fixture(scope="module")
def surveys(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Small surveys of several designs, harmonised and added up."""
    atlas = make_atlas(tmp_path_factory.mktemp("designs") / "project", keeping=["cells"])
    names = [add_survey(atlas, case) for case in DESIGNS]
    project = atlas.project
    for name in names:
        assert harmonise(atlas, name, project) == []
        for place in cells_places(project, name):
            assert build_cells(project, place).sidecar.problems == []
    return project


@pytest.fixture
def added(synthetic: Atlas) -> Atlas:
    """The embedded survey with its cells."""
    add_part(synthetic, "cells")
    for place in cells_places(synthetic.project, SURVEY):
        assert build_cells(synthetic.project, place).sidecar.problems == []
    return synthetic


def cells_places(project: Project, source: str) -> list[Place]:
    return [place for place in places_of_cells(project) if place.source == source]


class Ways:
    """The same tables, from cells and from the respondents."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch

    def from_cells_alone(self, project: Project, place: Place) -> str:
        """The content of a table where the respondents that could be read are none."""

        def bind_nobody(project: Project, connection: duckdb.DuckDBPyConnection, *_: object) -> None:
            bind_select(connection, RESPONDENTS, no_rows(project.contracts[RESPONDENTS]))

        with self.patch.context() as patch:
            patch.setattr("pipelines.report.estimated.bind_for", bind_nobody)
            return self.from_cells(project, place)

    def from_cells(self, project: Project, place: Place) -> str:
        return estimated.estimated(project, plan_report(project, place)).content

    def from_respondents(self, project: Project, place: Place) -> str:
        with self.patch.context() as patch:
            patch.setattr("pipelines.report.estimated.held_cells", lambda *_: Held())
            return self.from_cells(project, place)


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> Ways:
    return Ways(monkeypatch)


@pytest.mark.parametrize("table", ESTIMATORS)
def test_a_table_of_any_design_is_the_same_to_the_bit_from_cells_as_from_respondents(
    table: str, surveys: Project, ways: Ways
) -> None:
    names = [source for source in surveys.sources if cells_places(surveys, source)]
    assert len(names) == len(DESIGNS)
    for name in names:
        place = Place("report", table.removeprefix("report."), name, "all")
        content = ways.from_cells_alone(surveys, place)
        assert content == ways.from_respondents(surveys, place), name
        assert pl.read_parquet(surveys.store.path(place, content)).height > 0, name


def test_what_is_no_longer_kept_is_read_again(surveys: Project, ways: Ways, monkeypatch: pytest.MonkeyPatch) -> None:
    source = next(source for source in surveys.sources if cells_places(surveys, source))
    place = Place("report", "characteristics_by_outcome", source, "all")
    monkeypatch.setattr(held, "_DECODED", {})
    content = ways.from_cells(surveys, place)
    assert len(held._DECODED) > 1
    monkeypatch.setattr(held, "MOST_BYTES", 0)
    assert ways.from_cells(surveys, place) == content
    monkeypatch.setattr(held, "_DECODED", {})
    assert ways.from_cells(surveys, place) == content
    assert len(held._DECODED) == 1


def test_a_change_that_asks_for_no_new_key_reads_no_respondents(ways: Ways, added: Atlas) -> None:
    [place] = cells_places(added.project, SURVEY)
    cells = plan_cells(added.project, place).recipe
    for before, after in ASKING_FOR_NO_KEY:
        added.edit("study.yaml", before, after)
        project = added.project
        assert plan_cells(project, place).recipe == cells, after
        assert not build_cells(project, place).is_new, after
    for table in ESTIMATORS:
        report = Place("report", table.removeprefix("report."), SURVEY, "all")
        assert ways.from_cells_alone(project, report) == ways.from_respondents(project, report), table


def test_another_confidence_level_makes_no_table_anew_that_may_read_respondents(added: Atlas) -> None:
    assert "confidence_level" in SETTINGS_NOT_READ[OF_MEANS]
    place = Place("report", OF_MEANS.removeprefix("report."), SURVEY, "all")
    before = plan_report(added.project, place).recipe
    added.edit("study.yaml", "confidence_level: 0.95", "confidence_level: 0.9")
    assert plan_report(added.project, place).recipe == before


@pytest.mark.parametrize("share", [0.3, 0.1, 0.05])
def test_a_wave_whose_questions_are_split_is_the_same_to_the_bit(
    share: float, ways: Ways, added: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some questions are answered by cells then, and others by the respondents."""
    project = added.project
    [place] = cells_places(project, SURVEY)
    plan = plan_cells(project, place)
    monkeypatch.setattr("pipelines.making.cells.LARGEST_SHARE", share)
    path = project.store.path(place, cells_of_wave(project, plan).content)
    held = {tuple(json.loads(keys)) for keys in pl.read_parquet(path)["keys"].unique()}
    assert len(held) < len(Wanted.parse(plan.ingredients[QUESTIONS]).questions)
    monkeypatch.setattr("pipelines.report.held.cells_of", lambda *_: path)
    for table in ("prevalence_by_exposure", "prevalence_age_standardised", "characteristics_by_outcome"):
        report = Place("report", table, SURVEY, "all")
        assert ways.from_cells(project, report) == ways.from_respondents(project, report), table


def test_a_new_key_makes_new_cells(added: Atlas) -> None:
    [place] = cells_places(added.project, SURVEY)
    before = plan_cells(added.project, place).recipe
    added.edit("study.yaml", "where: age_years >= 60", "where: age_years >= 65")
    assert plan_cells(added.project, place).recipe != before


def test_cells_of_other_respondents_are_not_read(added: Atlas) -> None:
    """They were made of what is accepted now, or they do not count."""
    project = added.project
    [respondents] = [place for place in project.places(RESPONDENTS) if place.source == SURVEY]
    accepted = project.store.accepted(respondents)
    assert accepted
    assert accepted.content
    assert cells_of(project, respondents, accepted.content)
    assert cells_of(project, respondents, hashlib.sha256(b"others").hexdigest()) is None


def test_only_large_waves_of_designs_that_add_up_have_cells(added: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {place.source for place in places_of_cells(added.project)} == {SURVEY}
    monkeypatch.setattr("pipelines.making.cells.LARGE_WAVE", LARGE_WAVE)
    assert places_of_cells(added.project) == []
    source = added.project.sources[SURVEY]
    assert source.can_be_added_up
    assert not source.model_copy(update={"has_psus": False}).can_be_added_up
    assert not source.model_copy(update={"finite_population": True}).can_be_added_up
    assert not source.model_copy(update={"imputed": Imputation(imputations=2, variables=["sex"])}).can_be_added_up


def test_cells_are_no_table_of_a_release(added: Atlas) -> None:
    assert CELLS in added.project.contracts
    assert CELLS not in added.project.released


A, B, AB, ABC = ("a",), ("b",), ("a", "b"), ("a", "b", "c")
OLD, OLD_A, EXACT = ("old",), ("a", "old"), ("exact",)
TYPES = {"a": "BOOLEAN", "b": "VARCHAR", "c": "BOOLEAN", "d": "VARCHAR", "old": "INTEGER", "exact": "DOUBLE"}
MANY = tuple(f"k{n:02}" for n in range(MOST_KEYS + 1))


@pytest.mark.parametrize(
    ("questions", "groups"),
    [
        ([A, B, AB, ABC], [[ABC]]),
        ([A, ("c", "d")], [[A, ("c", "d")]]),
        ([AB, OLD, OLD_A], [[AB], [OLD_A]]),
        ([EXACT, ("a", "exact"), A], [[A]]),
        ([MANY, A], [[A]]),
        ([EXACT], []),
    ],
    ids=["one holds all", "apart", "whole numbers alone", "numbers to the respondents", "more keys than columns", "none"],
)
def test_questions_are_added_up_together(questions: list[Keys], groups: list[list[Keys]]) -> None:
    assert added_together(questions, TYPES | dict.fromkeys(MANY, "BOOLEAN")) == groups


def test_a_group_with_too_many_cells_is_halved_down_to_single_questions() -> None:
    assert halves([A, B, AB]) == [[A], [B, AB]]
    assert halves([A]) == []


def test_cells_are_a_gain_up_to_a_share_of_the_respondents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.making.cells.LARGEST_SHARE", LARGEST_SHARE)
    n = 1_000_000
    assert is_gain(int(n * LARGEST_SHARE), n)
    assert not is_gain(int(n * LARGEST_SHARE) + 1, n)


def test_cells_answer_questions_by_fewer_keys_and_conditions() -> None:
    held = Wanted((AB, ("c",)), ("x > 1", "x > 2"))
    assert held.holds(Wanted((A, B, AB), ("x > 2",)))
    assert not held.holds(Wanted((("a", "c"),), ()))
    assert not held.holds(Wanted((A,), ("x > 3",)))
    assert Wanted.parse(held.as_text()) == held


ROWS = """
  (true, 'it''s', -3, 1.5), (false, null, 7, null), (null, 'b', null, 2.5), (true, '', 2147483647, 1.5), (true, 'b', -3, 1.5)
"""


@pytest.mark.parametrize("most", [MOST_NUMBERS, 8])
def test_packed_columns_are_those_that_were_packed(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """NULL, quotes and the ends of a range included, in one code or in several; what has too many levels is left out."""
    monkeypatch.setattr("pipelines.core.packing.MOST_NUMBERS", most)
    with duckdb.connect() as connection:
        connection.execute(f"create table people as select * from (values {ROWS}) as rows(is_it, name, n, x)")
        types = {"is_it": "BOOLEAN", "name": "VARCHAR", "n": "INTEGER", "x": "DOUBLE"}
        assert digits(connection, "people", types).keys() == {"is_it", "name"}
        connection.execute("delete from people where n > 1000")
        known = digits(connection, "people", types)
        assert known.keys() == {"is_it", "name", "n"}
        columns = known | {"is_large": flag("x > 2")}
        codes = packed(columns)
        assert len(codes.codes) == (1 if most == MOST_NUMBERS else 4)
        coded = ", ".join(f"{code} as code_{number}" for number, code in enumerate(codes.codes, 1))
        decoded = ", ".join(f"{columns[name].column(digit)} as {name}" for name, digit in codes.digits.items())
        found = connection.sql(f"select {decoded} from (select {coded} from people)").fetchall()
        wanted = connection.sql("select is_it, name, n, coalesce(x > 2, false) from people").fetchall()
    assert sorted(found, key=repr) == sorted(wanted, key=repr)


def places_of_table(project: Project, table: str) -> list[Place]:
    """A table of each design."""
    sources = [source for source in project.sources if cells_places(project, source)]
    assert len(sources) == len(DESIGNS)
    return [Place("report", table.removeprefix("report."), source, "all") for source in sources]


@pytest.mark.parametrize("table", ESTIMATORS)
def test_many_cells_are_summed_by_what_a_question_needs_and_change_no_number(
    table: str, surveys: Project, ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in places_of_table(surveys, table):
        as_they_are = ways.from_cells(surveys, place)
        with monkeypatch.context() as patch:
            patch.setattr("pipelines.report.respondents.MANY_CELLS", 1)
            summed = ways.from_cells(surveys, place)
            assert summed == ways.from_respondents(surveys, place), place.source
        frames = [pl.read_parquet(surveys.store.path(place, content)) for content in (as_they_are, summed)]
        assert_frame_equal(*frames, check_exact=False, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize("table", ESTIMATORS)
@pytest.mark.parametrize("many", [1, MANY_CELLS])
def test_a_pool_of_waves_is_the_same_to_the_bit_joined_of_its_waves_as_counted_together(
    table: str, many: int, surveys: Project, ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.report.respondents.MANY_CELLS", many)
    monkeypatch.setattr("pipelines.report.respondents.has_cells", lambda _: False)  # means of large waves are joined always
    joined = set()
    join = Estimation._joined

    def noted(estimation: Estimation, waves: Iterable[Cells]) -> Cells:
        joined.add(estimation.source.source)
        return join(estimation, waves)

    monkeypatch.setattr(Estimation, "_joined", noted)
    for place in places_of_table(surveys, table):
        of_its_waves = ways.from_respondents(surveys, place)
        with monkeypatch.context() as patch:
            patch.setattr(Estimation, "_parts", lambda *_: [])
            assert of_its_waves == ways.from_respondents(surveys, place), place.source
    assert joined == {"rounds"}
