"""No output holds a respondent's value: distinctive values are delivered, and what a night writes is searched for them."""

import subprocess
import zipfile
from collections.abc import Iterator

import polars as pl
import pytest

from tests.atlas import Atlas
from tests.markers import DECIMAL, MARKERS, NUMBER, TEXT, Cells, deliver, prepare


def written(atlas: Atlas) -> Iterator[tuple[str, str]]:
    """Everything that a night writes beside respondents: name and text of files, and every column of the meta tables."""
    folders = [atlas.folder / ".dagster", atlas.warehouse / "store", atlas.warehouse / "releases"]
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        if path.suffix in {".parquet", ".duckdb"}:
            continue
        if path.suffix == ".docx":
            with zipfile.ZipFile(path) as packed:
                yield str(path.relative_to(atlas.folder)), packed.read("word/document.xml").decode()
            continue
        yield str(path.relative_to(atlas.folder)), path.read_bytes().decode("latin-1")
    for path in sorted((atlas.warehouse / "store" / "meta").rglob("*.parquet")):
        yield str(path.relative_to(atlas.folder)), pl.read_parquet(path).write_csv()
    for database in ("epi.duckdb", "epi_public.duckdb"):
        for schema in ("meta", "report"):
            tables = atlas.query(f"select table_name from duckdb_tables() where schema_name = '{schema}'", database)
            for (table,) in tables:
                yield f"{database} {schema}.{table}", repr(atlas.query(f"from {schema}.{table}", database))


ACCEPTED = [
    ("interview_weight", 3, DECIMAL),
    ("respondent", 5, NUMBER),
    ("respondent", 6, NUMBER),
    ("age", 7, NUMBER),
    ("remark", 8, TEXT),
]
REJECTED: dict[str, Cells] = {
    "an unlisted text and an unlisted number": [("sex", 3, TEXT), ("statin", 4, NUMBER)],
    "text and fractions for whole numbers": [("age", 3, TEXT), ("ethnicity", 4, DECIMAL)],
    "a name of a column that is none": [("remark", 3, TEXT)],
    "too many records to set aside": [("age", row, NUMBER) for row in range(400)],
}


@pytest.fixture
def marked(synthetic: Atlas) -> Atlas:
    """A survey with a remark and without a generator."""
    prepare(synthetic)
    return synthetic


def leaks(atlas: Atlas, ended: subprocess.CompletedProcess[str]) -> list[str]:
    outputs = [("stdout", ended.stdout), ("stderr", ended.stderr), *written(atlas)]
    return [
        f"{name}: {text[max(0, found.start() - 60) : found.end()]}" for name, text in outputs if (found := MARKERS.search(text))
    ]


def test_an_accepted_delivery_leaves_no_value_outside_its_tables(marked: Atlas) -> None:
    deliver(marked, ACCEPTED)
    ended = marked.refresh_in_a_terminal()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    raw = "select count(*) from raw.synthetic_survey_respondents where remark = 'ZQXMARKER7391' or interview_weight = 7391.7391"
    assert marked.query(raw) == [(2,)]
    # the repeated number is one of a respondent's that the generator repeats already: three more records are aside
    assert marked.query("select count(*) from meta.rejected_rows") == [(13,)]
    assert leaks(marked, ended) == []


@pytest.mark.parametrize("kind", REJECTED)
def test_a_rejected_delivery_leaves_no_value_anywhere(marked: Atlas, kind: str) -> None:
    deliver(marked, REJECTED[kind], extra=f"{TEXT} Elm Street 5" if kind.startswith("a name") else None)
    ended = marked.refresh_as_typed()
    assert ended.returncode == 1
    assert "synthetic_survey 2024" in ended.stdout
    # the contract has a column that what is still accepted lacks: it is published all the same
    assert marked.query("select source, wave from meta.deliveries where is_stale") == [("synthetic_survey", "2024")]
    assert marked.query("select count(*) > 0, count(remark) from raw.synthetic_survey_respondents") == [(True, 0)]
    assert leaks(marked, ended) == []
