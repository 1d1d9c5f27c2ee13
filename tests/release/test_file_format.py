"""Which versions of DuckDB read a release."""

from tests.atlas import Atlas

SINCE_1_0 = 64
"""DuckDB's number of the file format that its versions 1.0 to 2.0 read; 1.5 reads up to 68, and 2.0 writes 69 unless told."""


def test_every_duckdb_since_1_0_reads_a_release_whichever_version_wrote_it(published_synthetic: Atlas) -> None:
    for name in ("epi.duckdb", "epi_public.duckdb"):
        header = (published_synthetic.warehouse / name).read_bytes()[:20]
        assert header[8:12] == b"DUCK"
        assert int.from_bytes(header[12:20], "little") == SINCE_1_0
