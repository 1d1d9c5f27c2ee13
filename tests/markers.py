"""Distinctive values of respondents, planted into a delivery, so that outputs can be searched for them."""

import re

import polars as pl

from tests.atlas import Atlas

TEXT, NUMBER, DECIMAL = "ZQXMARKER7391", "73917391", "7391.7391"
MARKERS = re.compile(r"ZQXMARKER7391|73[,_ ]?917[,_ ]?391|7[,_ ]?391\.7391", re.IGNORECASE)

Cells = list[tuple[str, int, str]]
"""(column, row, value)"""


def prepare(atlas: Atlas) -> None:
    """Give the survey a remark, and take its generator away."""
    source = atlas.folder / "data_contracts/sources/synthetic_survey.yaml"
    source.write_text(source.read_text(encoding="utf-8").partition("generator:")[0], encoding="utf-8")
    atlas.edit(
        "data_contracts/raw/synthetic_survey_respondents.odcs.yaml",
        "  properties:\n  - name: respondent\n",
        "  properties:\n  - {name: remark, physicalType: VARCHAR, description: A remark., logicalTypeOptions: {maxLength: 40}}\n"
        "  - name: respondent\n",
    )


def deliver(atlas: Atlas, cells: Cells, extra: str | None = None) -> None:
    """Land the survey again with values put into cells, and with one more column where it is named."""
    path = atlas.settings.landing_folder / "synthetic_survey" / "2024" / "respondents.csv"
    frame = pl.read_csv(path, infer_schema=False).with_columns(remark=pl.lit("-"))
    rows = pl.int_range(pl.len())
    for column, row, value in cells:
        frame = frame.with_columns(pl.when(rows == row).then(pl.lit(value)).otherwise(pl.col(column)).alias(column))
    path.unlink()
    (frame.with_columns(pl.lit("a").alias(extra)) if extra else frame).write_csv(path)
