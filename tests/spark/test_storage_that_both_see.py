"""Objects lie where the driver and the server both see them: copies in a folder or in a bucket."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from pipelines.core.harmonise import harmonised
from pipelines.core.plan import plan_core
from pipelines.machine.errors import MachineFault
from pipelines.machine.settings import Settings
from pipelines.making.lending import lender
from pipelines.project.project import Project
from pipelines.stages import load_project
from pipelines.store import Place
from tests.atlas import Atlas
from tests.patience import PATIENCE_SECONDS, killed_at_last
from tests.spark.servers import sail

S3_SERVER = Path(__file__).parents[2] / ".venv-s3"
"""Where `make s3-server` puts it."""

SERVING = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""
"""Prints its port, then, among other lines, one a request on its standard error."""


def project_at(atlas: Atlas, remote: str, objects: str) -> Project:
    return load_project(Settings(project=atlas.folder, engine="spark", spark_remote=remote, spark_objects=objects))


def first_place(project: Project) -> Place:
    return next(place for place in project.places("core.respondents") if place.source == "synthetic_survey")


def test_an_object_is_copied_once_and_again_where_its_copy_is_not_whole(tmp_path: Path) -> None:
    folder, object_ = tmp_path / "shared" / "objects", tmp_path / f"{'a' * 64}.parquet"
    pq.write_table(pa.table({"n": [1, 2, 3]}), object_)
    lend = lender(Settings(project=tmp_path, spark_objects=f"file://{folder}/"))
    assert lend(object_) == f"file://{folder / object_.name}"
    copy = folder / object_.name
    assert copy.read_bytes() == object_.read_bytes()
    copied_at = copy.stat().st_mtime_ns
    lend(object_)
    assert copy.stat().st_mtime_ns == copied_at
    copy.write_bytes(object_.read_bytes()[:-1])
    lend(object_)
    assert copy.read_bytes() == object_.read_bytes()


def test_without_a_setting_the_server_reads_the_store(tmp_path: Path) -> None:
    assert lender(Settings(project=tmp_path))(tmp_path / "one.parquet") == str(tmp_path / "one.parquet")


@pytest.mark.parametrize("objects", ["/mnt/objects", "ftp://host/objects", "secret"])
def test_a_place_that_is_none_is_refused_and_not_quoted(tmp_path: Path, objects: str) -> None:
    with pytest.raises(MachineFault, match="CRAMP_ATLAS_SPARK_OBJECTS is no place for objects") as raised:
        lender(Settings(project=tmp_path, spark_objects=objects))
    assert objects not in str(raised.value)


def test_a_place_that_cannot_be_written_to_fails_the_night_and_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    object_ = tmp_path / "one.parquet"
    pq.write_table(pa.table({"n": [1]}), object_)
    with pytest.raises(MachineFault, match=r"cannot be copied .* the next night tries again") as raised:
        lender(Settings(project=tmp_path, spark_objects=f"file://{tmp_path}/secret/objects"))(object_)
    assert "secret" not in str(raised.value)


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An S3-compatible server with the bucket `objects`, known to all who are started from here; the log of its requests."""
    if not (S3_SERVER / ".installed").exists():
        pytest.skip("an S3-compatible server is not installed: make s3-server (140 MB of disk)")
    log = tmp_path / "requests"
    with (
        log.open("w", encoding="utf-8") as written,
        subprocess.Popen(
            [str(S3_SERVER / "bin/python"), "-c", SERVING],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            with killed_at_last(process):
                endpoint = f"http://127.0.0.1:{int(process.stdout.readline())}"
            for name, value in {
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
                "AWS_REGION": "us-east-1",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_ENDPOINT": endpoint,
                "AWS_ENDPOINT_URL": endpoint,
                "AWS_ALLOW_HTTP": "true",
                "AWS_EC2_METADATA_DISABLED": "true",
            }.items():
                monkeypatch.setenv(name, value)
            fs.S3FileSystem(endpoint_override=endpoint, allow_bucket_creation=True).create_dir("objects")
            yield log
        finally:
            process.kill()
            process.wait(timeout=PATIENCE_SECONDS)


def test_a_server_reads_a_bucket_and_makes_the_same_file(published_synthetic: Atlas, bucket: Path) -> None:
    here = published_synthetic.project
    place = first_place(here)
    accepted = here.store.accepted(place)
    with sail() as running:
        spark = project_at(published_synthetic, running.remote, "s3://objects/of/the/store")
        plan = plan_core(spark, place)
        made = harmonised(spark, plan)
    assert accepted is not None
    assert (made.content, made.rows) == (accepted.content, accepted.rows)
    requests = bucket.read_text(encoding="utf-8")
    for content in plan.inputs.values():
        assert f"PUT /objects/of/the/store/{content}.parquet" in requests
        assert f"GET /objects/of/the/store/{content}.parquet" in requests  # which the driver never does
