"""A Parquet file that is packed with Brotli is read by pyarrow; DuckDB, whose decoder of Brotli is not safe, never sees one."""

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from pipelines.landing.readers.parquet import read_parquet
from pipelines.raw.take_in import take_in
from pipelines.store import Place
from tests.atlas import make_atlas
from tests.survey_cases import CASES, add_case

FOLDER = "deliveries/perfect_association"


def packings(path: Path) -> set[str]:
    groups = pq.ParquetFile(path).metadata
    return {
        groups.row_group(group).column(column).compression
        for group in range(groups.num_row_groups)
        for column in range(groups.num_columns)
    }


def test_what_was_packed_with_brotli_is_in_the_store_with_another_packing(tmp_path: Path) -> None:
    atlas = make_atlas(tmp_path / "project")
    source = add_case(atlas, FOLDER)
    path = atlas.folder / "data_contracts" / "sources" / f"{source}.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("2023/a.csv", "2023/a.parquet"), encoding="utf-8")
    people = pl.read_csv(next((CASES.parent / FOLDER).glob("*.csv")))
    delivered = atlas.settings.landing_folder / source / "2023" / "a.parquet"
    pq.write_table(people.to_arrow(), delivered, compression="brotli")
    assert packings(delivered) == {"BROTLI"}
    assert read_parquet(delivered).frame.equals(people)

    project = atlas.project
    assert take_in(project, source, "2023").problems == []
    place = Place("raw", "mini_people", source, "2023")
    accepted = project.store.accepted(place)
    assert accepted
    assert accepted.content
    kept = project.store.path(place, accepted.content)
    assert packings(kept) == {"ZSTD"}
    assert pq.read_table(kept).num_rows == people.height
