"""What a select returns and the source's file does not call for, and the reverse."""

from pathlib import Path

import pytest

from tests.atlas import Atlas
from tests.designs.study import make_study
from tests.survey_cases import harmonise


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    return make_study(tmp_path_factory.mktemp("refused") / "project")


@pytest.mark.parametrize(
    ("source", "key", "problem"),
    [
        ("clus", "finite_population", "n_population is returned, and by data_contracts/sources/clus.yaml the design has none"),
        ("clus", "has_strata", "stratum is left out, which the design of clus (survey) needs"),
        ("strat", "has_psus", "psu is left out, which the design of strat (survey) needs"),
    ],
)
def test_the_select_and_the_file_say_the_same(atlas: Atlas, source: str, key: str, problem: str) -> None:
    file: Path = atlas.folder / "data_contracts" / "sources" / f"{source}.yaml"
    before = file.read_text(encoding="utf-8")
    file.write_text(
        "".join(line for line in before.splitlines(keepends=True) if not line.startswith(f"{key}:")), encoding="utf-8"
    )
    found = harmonise(atlas, source)
    file.write_text(before, encoding="utf-8")
    assert [problem in one for one in found] == [True]


def test_people_of_richer_designs_are_not_added_up_to_cells(atlas: Atlas) -> None:
    """Cells hold counts and sums of weights by stratum and PSU, and no population, replicate weight or imputed value."""
    assert [name for name, source in atlas.project.sources.items() if source.can_be_added_up] == ["calibrated"]
