"""docs/add-a-study.md, followed to the letter with the wheel and no checkout: what it says happens, and the numbers are right."""

import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from pipelines.core.harmonise import build_core
from pipelines.machine.errors import ConfigurationError
from pipelines.machine.settings import REPOSITORY
from pipelines.store import Place
from tests.atlas import Atlas
from tests.packaging.conftest import Installed
from tests.packaging.telling import what_tells_of
from tests.pages import PROJECT, Block, blocks_of, differences
from tests.patience import PATIENCE_SECONDS

PAGE = (REPOSITORY / "docs" / "add-a-study.md").read_text(encoding="utf-8")
FILES = {block.path: block.text for block in blocks_of(PAGE) if block.path}


class Walk:
    """The page followed once: the project, what every command printed, and what the first release told of and held."""

    def __init__(self, installed: Installed, folder: Path) -> None:
        self.above, self.folder = folder, folder / "asthma"
        self.environment = installed.environment | {"PATH": f"{_command(folder)}:{installed.environment['PATH']}"}
        self.printed: list[tuple[Block, str, int]] = []
        self.told: list[str] = []
        self.first_rows: list[int] = []

    def follow(self, block: Block) -> None:
        if block.path:
            path = self.folder / block.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            return
        done = subprocess.run(
            ["bash", "-ec", block.text],
            cwd=self.folder if self.folder.exists() else self.above,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        self.printed.append((block, PROJECT.sub("", done.stdout), done.returncode))
        if block.text.strip() == "cramp-atlas refresh" and not self.first_rows:
            self.told = what_tells_of("cramp|nocturnal|diuretic|sedentary|statin|magnesium|nhanes_|slq160|hypertens", self.folder)
            self.first_rows = [count for (count,) in self.query("select count(*) from report.odds_ratios")]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.folder / "warehouse" / "epi.duckdb"), read_only=True) as connection:
            return connection.sql(sql).fetchall()


def _command(folder: Path) -> Path:
    """A folder with the command of the wheel, as an installation writes it, and DuckDB's."""
    commands = folder / "bin"
    commands.mkdir()
    command = commands / "cramp-atlas"
    command.write_text(f"#!{sys.executable}\nfrom pipelines.terminal.cli import app\n\napp()\n", encoding="utf-8")
    command.chmod(0o755)
    (commands / "duckdb").symlink_to(Path(sys.executable).with_name("duckdb"))
    return commands


@pytest.fixture(scope="module")
def walk(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Read only."""
    walk = Walk(installed, tmp_path_factory.mktemp("add_a_study"))
    for block in blocks_of(PAGE):
        walk.follow(block)
    return walk


def test_every_command_is_good_and_prints_what_the_page_shows(walk: Walk) -> None:
    assert [(block.text, printed) for block, printed, code in walk.printed if code] == []
    wrong = {
        block.text: missing
        for block, printed, _ in walk.printed
        if block.shown and (missing := differences(block.shown, printed, walk.folder))
    }
    assert wrong == {}


def test_a_project_without_a_source_is_published_and_tells_of_no_other_study(walk: Walk) -> None:
    assert walk.told == []
    assert walk.first_rows == [0]


def test_seven_files_are_written_and_none_is_python() -> None:
    assert list(FILES) == [
        "study.yaml",
        "data_contracts/core/respondents.odcs.yaml",
        "data_contracts/sources/breath.yaml",
        "data_contracts/raw/breath_people.odcs.yaml",
        "data_contracts/codebooks/breath_people.csv",
        "sql/core/respondents/breath.sql",
        "sql/checks/respondents__adults_only.sql",
    ]


def test_the_page_of_the_release_is_about_asthma_and_nothing_else(walk: Walk) -> None:
    page = (walk.folder / "warehouse" / "current" / "report.html").read_text(encoding="utf-8")
    assert "<h1>Asthma and smoking</h1>" in page
    assert "synthetic" in page
    assert what_tells_of("cramp|hypertens|statin|nhanes_|is_exposed", walk.folder) == []


def test_prevalence_and_standard_error_are_those_of_the_ultimate_cluster_formula(walk: Walk) -> None:
    with (walk.folder / "warehouse/landing/breath/2024/people.csv").open(encoding="utf-8", newline="") as file:
        people = list(csv.DictReader(file))
    weight = np.array([float(one["WEIGHT"]) for one in people])
    answered = np.array([one["ASTHMA"] in {"1", "2"} for one in people])
    case = np.array([one["ASTHMA"] == "1" for one in people])
    share = (weight * answered * case).sum() / (weight * answered).sum()
    linearised = weight * answered * (case - share) / (weight * answered).sum()
    strata: dict[str, dict[str, float]] = {}
    for one, value in zip(people, linearised, strict=True):
        psus = strata.setdefault(one["STRATUM"], {})
        psus[one["CLUSTER"]] = psus.get(one["CLUSTER"], 0.0) + value
    variance = sum(len(psus) * np.var(list(psus.values()), ddof=1) for psus in strata.values())
    found = walk.query(
        "select prevalence, prevalence_se, degrees_freedom from report.prevalence_by_age_band where age_band = 'all'"
    )
    assert found == [(pytest.approx(share, rel=1e-12), pytest.approx(np.sqrt(variance), rel=1e-9), 30)]
    by_hand = [share_of(people, weight, {"2"}), share_of(people, weight, {"1"}), share_of(people, weight, {"3"})]
    of_levels = walk.query("select exposure_level, prevalence from report.prevalence_by_exposure order by exposure_level")
    assert dict(of_levels) == dict(zip(("former", "never", "current"), map(pytest.approx, by_hand), strict=True))


def share_of(people: list[dict[str, str]], weight: np.ndarray, smoke: set[str]) -> float:
    asked = np.array([one["SMOKE"] in smoke and one["ASTHMA"] in {"1", "2"} for one in people])
    case = np.array([one["ASTHMA"] == "1" for one in people])
    return float((weight * asked * case).sum() / (weight * asked).sum())


SELECT, STUDY, CONTRACT = "sql/core/respondents/breath.sql", "study.yaml", "data_contracts/core/respondents.odcs.yaml"
Mistake = Callable[[Atlas], None]


def edit(file: str, before: str, after: str) -> Mistake:
    return lambda atlas: atlas.edit(file, before, after)


# in the order of the page's table
MISTAKES: list[Mistake] = [
    lambda atlas: (atlas.folder / SELECT).unlink(),
    edit(CONTRACT, "name: has_asthma, ", "name: asthma, "),
    edit(CONTRACT, "- name: has_asthma_missing", "- name: asthma_missing"),
    edit(CONTRACT, "name: psu, ", "name: cluster, "),
    edit(CONTRACT, "name: age_band, ", "name: band, "),
    edit(SELECT, "  SMOKE_code as smoking,\n", ""),
    edit(SELECT, "ASTHMA_missing as has_asthma_missing", "nullif(ASTHMA_missing, 'dont_know') as has_asthma_missing"),
    edit(STUDY, "reference: never", "reference: nevver"),
]
MESSAGES = re.findall(r"^\| `(.+?)` \|", PAGE.partition("## When something is wrong")[2], re.MULTILINE)


def complaint(atlas: Atlas) -> str:
    """What is said of the project, else of what the select returns."""
    try:
        project = atlas.project
    except ConfigurationError as error:
        return str(error)
    return "\n".join(build_core(project, Place("core", "respondents", "breath", "2024")).sidecar.problems)


@pytest.mark.parametrize(("mistake", "message"), list(zip(MISTAKES, MESSAGES, strict=True)), ids=MESSAGES)
def test_a_mistake_is_named_as_the_page_says(walk: Walk, tmp_path: Path, mistake: Mistake, message: str) -> None:
    atlas = Atlas(walk.folder).copy(tmp_path / "project")
    mistake(atlas)
    assert message in complaint(atlas)


def test_there_is_nothing_to_complain_of_where_the_page_was_followed(walk: Walk, tmp_path: Path) -> None:
    shutil.copytree(walk.folder, tmp_path / "project", ignore=shutil.ignore_patterns("releases", ".dagster"), symlinks=True)
    assert complaint(Atlas(tmp_path / "project")) == ""
