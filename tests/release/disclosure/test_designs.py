"""Restricted surveys of other designs than strata and PSUs: nothing of a design tells a small count."""

from collections.abc import Callable

import pytest
import yaml

from tests.atlas import Atlas
from tests.release.disclosure.survey_picture import COUNTED, SURVEY
from tests.release.disclosure.test_release import declare, hidden_counts, rows

N_REPLICATES = 30
WEIGHTS = ("interview", "exam", "dietary")
PLACES = "  stratum,\n  psu\nfrom"
SELECT = f"sql/core/respondents/{SURVEY}.sql"


def drawn_one_by_one(atlas: Atlas) -> None:
    declare(atlas, SURVEY, classification="restricted", has_psus=False)
    atlas.edit(SELECT, PLACES, "  stratum\nfrom")


def with_replicate_weights(atlas: Atlas) -> None:
    """A replicate leaves out a stratum."""
    declare(atlas, SURVEY, classification="restricted", replicate_weights={"method": "jk1", "centre": "estimate"})
    replicates = [
        ", ".join(
            f"case when stratum = {n} then 0 else {weight}_weight * {N_REPLICATES}.0 / {N_REPLICATES - 1} end"
            for n in range(1, N_REPLICATES + 1)
        )
        for weight in WEIGHTS
    ]
    columns = [f"  [{listed}] as {weight}_replicate_weights" for weight, listed in zip(WEIGHTS, replicates, strict=True)]
    atlas.edit(SELECT, PLACES, ",\n".join(columns) + "\nfrom")
    shared = [f"  answers.{weight}_replicate_weights,\n" for weight in WEIGHTS]
    atlas.edit("sql/core/respondents.sql", "  answers.stratum,\n", "".join(shared) + "  answers.stratum,\n")
    path = atlas.folder / "data_contracts" / "core" / "respondents.odcs.yaml"
    contract = yaml.safe_load(path.read_text(encoding="utf-8"))
    contract["schema"][0]["properties"] += [
        {
            "name": f"{weight}_replicate_weights",
            "logicalType": "array",
            "physicalType": "DOUBLE[]",
            "description": "Of a replicate.",
        }
        for weight in WEIGHTS
    ]
    path.write_text(yaml.safe_dump(contract, sort_keys=False), encoding="utf-8")


@pytest.mark.parametrize("design", [drawn_one_by_one, with_replicate_weights])
def test_an_attacker_bounds_no_small_count_of_another_design(design: Callable[[Atlas], None], synthetic: Atlas) -> None:
    synthetic.edit(f"data_contracts/sources/{SURVEY}.yaml", "psus_nested: true\n", "")
    design(synthetic)
    assert synthetic.refresh().success
    assert hidden_counts(synthetic) > 150
    public = [row for table in COUNTED for row in rows(synthetic, table, "epi_public.duckdb", SURVEY)]
    assert {row["degrees_freedom"] for row in public} == {None}
    assert any(row.get("prevalence") is not None for row in public)
