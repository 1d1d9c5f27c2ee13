"""What a release says of codebooks."""

import csv

from pipelines.machine.settings import REPOSITORY
from pipelines.release import meta
from pipelines.stages import load_project


def test_codes_are_numbered_from_1_as_their_codebook_lists_them() -> None:
    table = "synthetic_survey_respondents"
    with (REPOSITORY / "data_contracts" / "codebooks" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        listed = [(row["variable"], row["received"]) for row in csv.DictReader(file)]
    codes = meta._codes(load_project().contracts).filter(table_name=f"raw.{table}")
    assert codes.select("position", "variable", "received").rows() == [(n, *row) for n, row in enumerate(listed, start=1)]
    assert len(listed) > 10
