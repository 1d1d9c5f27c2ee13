"""docs/add-a-survey.md, followed to the letter on a copy of the project: what it says happens, and the numbers are right."""

import csv
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipelines.contracts.model import ContractError
from pipelines.core.harmonise import build_core
from pipelines.machine.errors import CrampAtlasError
from pipelines.machine.settings import REPOSITORY
from pipelines.raw.take_in import take_in
from pipelines.store import Place
from tests.atlas import Atlas
from tests.pages import Block, blocks_of, differences, run

PAGE = (REPOSITORY / "docs" / "add-a-survey.md").read_text(encoding="utf-8")
DELIVERY = Path("docs/examples/brfss_like")
ESTIMATED = (
    "prevalence_by_age_band",
    "prevalence_by_age_band_and_sex",
    "prevalence_by_exposure",
    "prevalence_age_standardised",
    "trends",
    "odds_ratios",
)
OTHERS = "from report.{table} where source <> 'brfss_like' order by all"


class Walk:
    """The project after the page was followed, and what every command printed."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self.printed: list[tuple[Block, str, int]] = []

    def follow(self, block: Block) -> None:
        if block.path:
            _write(self.atlas, block)
        else:
            done = run(block.text, self.atlas.folder)
            self.printed.append((block, done.stdout, done.returncode))


def _write(atlas: Atlas, block: Block) -> None:
    assert block.path
    path = atlas.folder / block.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, encoding="utf-8")


@pytest.fixture(scope="module")
def walk(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """The page followed once, in order. Read only."""
    atlas = published_synthetic.copy(tmp_path_factory.mktemp("add_a_survey") / "project")
    shutil.copytree(REPOSITORY / DELIVERY, atlas.folder / DELIVERY)
    walk = Walk(atlas)
    for block in blocks_of(PAGE):
        walk.follow(block)
    return walk


def test_every_command_prints_what_the_page_shows(walk: Walk) -> None:
    wrong = {
        block.text: missing
        for block, printed, _ in walk.printed
        if block.shown and (missing := differences(block.shown, printed, walk.atlas.folder))
    }
    assert wrong == {}


def test_only_the_bad_delivery_fails(walk: Walk) -> None:
    assert [block.text for block, _, code in walk.printed if code] == [
        block.text for block in blocks_of(PAGE) if "awk" in block.text
    ]
    assert sum("cramp-atlas refresh" in block.text for block, _, _ in walk.printed) == 3


def test_four_files_are_written_and_none_is_python() -> None:
    assert [block.path for block in blocks_of(PAGE) if block.path] == [
        "data_contracts/sources/brfss_like.yaml",
        "data_contracts/raw/brfss_like_respondents.odcs.yaml",
        "data_contracts/codebooks/brfss_like_respondents.csv",
        "sql/core/respondents/brfss_like.sql",
    ]
    assert "pipelines/" not in "".join(block.text for block in blocks_of(PAGE))


@pytest.mark.parametrize("table", ESTIMATED)
def test_the_survey_is_in_every_report_table_and_called_synthetic(walk: Walk, table: str) -> None:
    measure = "odds_ratio" if table in {"trends", "odds_ratios"} else "prevalence"
    rows = walk.atlas.query(
        f"select wave, is_synthetic, {measure}, {measure}_lower, {measure}_upper, weight "
        f"from report.{table} where source = 'brfss_like'"
    )
    assert {wave for wave, *_ in rows} == {"2022", "2023", "pooled"}
    assert {(is_synthetic, weight) for _, is_synthetic, _, _, _, weight in rows} == {(True, "interview_weight")}
    shown = [(lower, value, upper) for _, _, value, lower, upper, _ in rows if value is not None]
    assert len(shown) > len(rows) / 2 or table == "prevalence_by_exposure"
    assert all(0 < lower < value < upper for lower, value, upper in shown)
    assert measure == "odds_ratio" or all(upper < 1 for *_, upper in shown)


@pytest.mark.parametrize("table", ESTIMATED)
def test_the_rows_of_other_sources_are_what_they_were(walk: Walk, published_synthetic: Atlas, table: str) -> None:
    select = f"select * {OTHERS.format(table=table)}"
    before = published_synthetic.query(select)
    assert len(before) > 0
    assert walk.atlas.query(select) == before


def test_what_was_not_asked_is_not_estimated(walk: Walk) -> None:
    for table in ("odds_ratios", "prevalence_by_exposure"):
        asked = walk.atlas.query(f"select distinct exposure from report.{table} where source = 'brfss_like'")
        assert asked == [("is_sedentary",)]
    unasked = "takes_statin, takes_statin_missing, is_pregnant_missing, activity_level_missing, magnesium_intake_mg, matched_set"
    rows = walk.atlas.query(f"select distinct {unasked} from core.respondents where source = 'brfss_like'")
    assert rows == [(None, "not_asked", "not_asked", "not_asked", None, None)]


def records(wave: str) -> list[dict[str, str]]:
    with (REPOSITORY / DELIVERY / wave / "respondents.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("variable", "column", "kinds"),
    [
        ("has_cramps", "LEGCRMP1", {"": "not_asked", "7": "dont_know", "9": "refused"}),
        ("cramp_frequency", "LEGCRMP1", {"": "not_asked", "7": "dont_know", "9": "refused"}),
        ("is_sedentary", "EXERANY2", {"": "missing", "7": "dont_know", "9": "refused"}),
        ("race_ethnicity", "_RACEGR3", {"9": "refused"}),
    ],
)
def test_kinds_of_missing_survive(walk: Walk, variable: str, column: str, kinds: dict[str, str]) -> None:
    expected = Counter(kinds.get(record[column]) for wave in ("2022", "2023") for record in records(wave))
    found = walk.atlas.query(
        f"select {variable}_missing, count(*) from core.respondents where source = 'brfss_like' group by all"
    )
    assert dict(found) == expected
    answered = f"select count(*) from core.respondents where source = 'brfss_like' and {variable} is not null"
    assert walk.atlas.query(answered) == [(expected[None],)]


def ultimate_cluster(waves: tuple[str, ...], is_case: Callable[[dict[str, str]], bool]) -> tuple[float, float]:
    """Weighted share among those who answered, and its standard error from the variance of PSU totals within strata."""
    people = [(wave, record) for wave in waves for record in records(wave)]
    weight = np.array([float(record["_LLCPWT"]) for _, record in people])
    answered = np.array([record["LEGCRMP1"] in set("12345") for _, record in people])
    case = np.array([is_case(record) for _, record in people])
    share = (weight * answered * case).sum() / (weight * answered).sum()
    linearised = weight * answered * (case - share) / (weight * answered).sum()
    totals: dict[tuple[str, str], dict[str, float]] = {}
    for (wave, record), value in zip(people, linearised, strict=True):
        psus = totals.setdefault((wave, record["_STSTR"]), {})
        psus[record["_PSU"]] = psus.get(record["_PSU"], 0.0) + value
    variance = sum(len(psus) * np.var(list(psus.values()), ddof=1) for psus in totals.values())
    return float(share), float(np.sqrt(variance))


@pytest.mark.parametrize(("wave", "waves"), [("2022", ("2022",)), ("2023", ("2023",)), ("pooled", ("2022", "2023"))])
@pytest.mark.parametrize(("outcome", "codes"), [("has_cramps", {"2", "3", "4", "5"}), ("has_frequent_cramps", {"4", "5"})])
def test_prevalence_and_standard_error_are_those_of_the_ultimate_cluster_formula(
    walk: Walk, wave: str, waves: tuple[str, ...], outcome: str, codes: set[str]
) -> None:
    share, error = ultimate_cluster(waves, lambda record: record["LEGCRMP1"] in codes)
    [(prevalence, prevalence_se, degrees_freedom)] = walk.atlas.query(
        "select prevalence, prevalence_se, degrees_freedom from report.prevalence_by_age_band "
        f"where source = 'brfss_like' and wave = '{wave}' and population = 'everyone_asked' and outcome = '{outcome}' "
        "and age_band = 'all'"
    )
    assert prevalence == pytest.approx(share, rel=1e-12)
    assert prevalence_se == pytest.approx(error, rel=1e-9)
    # four states used the module: 16 strata of 7 PSUs a wave
    assert degrees_freedom == 96 * len(waves)


def test_the_delivery_is_what_its_script_makes(tmp_path: Path) -> None:
    for wave in ("2022", "2023"):
        (tmp_path / DELIVERY / wave).mkdir(parents=True)
    done = run(f"duckdb < {REPOSITORY / DELIVERY / 'make_delivery.sql'}", tmp_path)
    assert done.returncode == 0, done.stdout
    for wave in ("2022", "2023"):
        file = DELIVERY / wave / "respondents.csv"
        assert (tmp_path / file).read_bytes() == (REPOSITORY / file).read_bytes()


SOURCE = "data_contracts/sources/brfss_like.yaml"
CONTRACT = "data_contracts/raw/brfss_like_respondents.odcs.yaml"
CODEBOOK = "data_contracts/codebooks/brfss_like_respondents.csv"
SELECT = "sql/core/respondents/brfss_like.sql"
Mistake = Callable[[Atlas], None]


def remove(*files: str) -> Mistake:
    def mistake(atlas: Atlas) -> None:
        for file in files:
            (atlas.folder / file).unlink()

    return mistake


def edit(file: str, before: str, after: str) -> Mistake:
    return lambda atlas: atlas.edit(file, before, after)


def deliver(wave: str, change: Callable[[str], str], n_left_out: int = 0) -> Mistake:
    """The wave again, with every line changed and the last ones left out."""

    def mistake(atlas: Atlas) -> None:
        path = atlas.settings.landing_folder / "brfss_like" / wave / "respondents.csv"
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join(map(change, lines[: len(lines) - n_left_out])) + "\n", encoding="utf-8")

    return mistake


# in the order of the page's table
MISTAKES: list[Mistake] = [
    remove(SOURCE),
    remove(CONTRACT, CODEBOOK),
    remove(SELECT),
    edit(SOURCE, '"2022":', "2022:"),
    edit(SOURCE, 'waves: ["2022", "2023"]\n    verdict: identical', 'waves: ["2021", "2023"]\n    verdict: identical'),
    edit(SOURCE, "has_cramps,", "has_cramp,"),
    edit(SOURCE, "sex, ", ""),
    edit(SOURCE, '"2022":\n    top_codes: {age_years', '"2022":\n    top_codes: {age'),
    edit(CODEBOOK, "EXERANY2,1,", "EXERANY,1,"),
    deliver("2022", lambda line: line.replace(",", ";")),
    deliver("2023", lambda line: f"{line},{'SLEPTIM1' if line.startswith('SEQNO') else '7'}"),
    deliver("2022", str, n_left_out=1),
    edit(SELECT, ",\n  _PSU as psu", ""),
    edit(SELECT, "  coalesce(LEGCRMP1_missing, 'not_asked') as cramp_frequency_missing,\n", ""),
    edit(SELECT, "EXERANY2_code = 'no' as is_sedentary", "EXERANY3 = 2 as is_sedentary"),
]
MESSAGES = re.findall(r"^\| `(.+?)` \|", PAGE, re.MULTILINE)


def complaint(atlas: Atlas) -> str:
    """What the pipeline says: about the project, else about the delivery, else about what the select returns."""
    try:
        project = atlas.project
    except (CrampAtlasError, ContractError) as error:
        return str(error)
    problems = [problem for wave in ("2022", "2023") for problem in take_in(project, "brfss_like", wave).problems]
    if not problems:
        place = Place("core", "respondents", "brfss_like", "2022")
        problems = build_core(project, place).sidecar.problems
    return "\n".join(problems)


@pytest.mark.parametrize(("mistake", "message"), list(zip(MISTAKES, MESSAGES, strict=True)), ids=MESSAGES)
def test_a_mistake_is_named_as_the_page_says(walk: Walk, tmp_path: Path, mistake: Mistake, message: str) -> None:
    atlas = walk.atlas.copy(tmp_path / "project")
    mistake(atlas)
    assert message in complaint(atlas)


def test_there_is_nothing_to_complain_of_where_the_page_was_followed(walk: Walk, tmp_path: Path) -> None:
    assert complaint(walk.atlas.copy(tmp_path / "project")) == ""


def test_a_page_that_shows_another_number_is_wrong(walk: Walk) -> None:
    [(block, printed, _)] = [item for item in walk.printed if "as se, presentation" in item[0].text]
    assert block.shown
    assert differences(block.shown, printed, walk.atlas.folder) == []
    assert differences(block.shown.replace("0.3051", "0.3052"), printed, walk.atlas.folder) != []
    assert differences(block.shown + "one more line\n", printed, walk.atlas.folder) != []
    assert differences("\n".join(block.shown.splitlines()[1:]), printed, walk.atlas.folder) != []


def test_parts_of_an_output_stand_in_order_around_a_gap(tmp_path: Path) -> None:
    printed = "one\ntwo\nthree\nin 1.5 s\n"
    for shown in ("one\n...\nthree\nin 9.9 s", "...\ntwo\n...", "one\ntwo\nthree\nin 2.0 s"):
        assert differences(shown, printed, tmp_path) == []
    for shown, missing in (
        ("three\n...\ntwo\n...", ["three"]),
        ("...\ntwo", ["two"]),
        ("one\nthree\n...", ["one\nthree"]),
    ):
        assert differences(shown, printed, tmp_path) == missing


def test_output_that_follows_no_command_is_refused() -> None:
    with pytest.raises(ValueError, match="follows no command"):
        blocks_of("```sh\nls\n```\n\nSome words.\n\n```text\nshown\n```\n")
