"""A server that is not there, is another one, or dies: the night fails, nothing is judged by it, and the next one works."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.core.harmonise import build_core
from pipelines.machine.errors import CrampAtlasError, MachineFault
from pipelines.machine.settings import Settings
from pipelines.making import spark
from pipelines.making.engine import bind_select, engine
from pipelines.making.spark import Server, connected, of_another_version, server
from pipelines.project.project import Project
from pipelines.release.kept import current_release, manifest_of
from pipelines.release.verify import verify
from pipelines.stages import load_project
from pipelines.store import Place
from tests.atlas import Atlas
from tests.spark.servers import Running, sail


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is gone is gone: no waiting for it."""
    monkeypatch.setattr(spark, "TRIES", 1)
    monkeypatch.setattr(spark, "FIRST_WAIT_MS", 1)


def on_spark(atlas: Atlas, remote: str) -> Project:
    return load_project(Settings(project=atlas.folder, engine="spark", spark_remote=remote))


def files_of(atlas: Atlas) -> set[Path]:
    return {path for path in (atlas.warehouse / "store").rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("ours", "theirs", "is_same"), [("4.2.0", "4.2.3", True), ("4.2.0", "4.1.0", False), ("4.2.0", "5.2.0", False)]
)
def test_client_and_server_are_of_the_same_minor_version(ours: str, theirs: str, is_same: bool) -> None:
    problem = of_another_version(ours, theirs)
    assert (problem is None) == is_same
    if problem:
        assert f"pyspark-client=={theirs[:3]}.*" in problem


def test_a_server_of_another_version_is_not_worked_with(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyspark

    monkeypatch.setattr(pyspark, "__version__", "4.0.1")
    with sail() as running, pytest.raises(MachineFault, match=r"client of Spark is 4\.0\.1 and the server .* is 4\.2\."):
        connected(running.remote)


def test_no_server_is_said_without_its_address() -> None:
    with pytest.raises(MachineFault, match="SPARK_REMOTE is not set"):
        connected("")
    with pytest.raises(MachineFault, match="does not answer") as raised:
        connected("sc://127.0.0.1:1/;token=secret")
    assert "127.0.0.1" not in str(raised.value)
    assert "secret" not in str(raised.value)


def test_what_a_select_does_wrong_is_the_select_s_and_no_value_is_quoted(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with sail() as running, engine(Settings(project=tmp_path)) as planner:
        bind_select(planner, "raw.people", "select 'seventy' as age")
        with server(Settings(project=tmp_path, spark_remote=running.remote), planner) as spark:
            with pytest.raises(CrampAtlasError, match="run it by hand") as raised:
                spark.rows("select cast(cast(age as varchar) as integer) + 1 as n from raw.people").read_all()
            assert not isinstance(raised.value, MachineFault)
            assert "seventy" not in "".join([str(raised.value), *capfd.readouterr()])
            assert raised.value.__suppress_context__
            with pytest.raises(CrampAtlasError, match="means another thing on Spark"):
                spark.rows("select log(2) as n from raw.people")
            running.kill()
            with pytest.raises(MachineFault, match="the next night tries again"):
                spark.rows("select age from raw.people").read_all()


def killing(server: Running, at: int) -> Callable[..., Any]:
    """`Server._asked`, with the server killed before its question of that number."""
    asked, n_asked = Server._asked, 0

    def ask(self: Server, question: Callable[[], Any]) -> Any:
        nonlocal n_asked
        n_asked += 1
        if n_asked == at:
            server.kill()
        return asked(self, question)

    return ask


def test_a_server_killed_in_the_middle_leaves_release_and_store_as_they_were(
    synthetic: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, manifest = current_release(synthetic.project), manifest_of(synthetic.project)
    place = next(place for place in synthetic.project.places("core.respondents") if place.source == "synthetic_survey")
    accepted = synthetic.project.store.accepted(place)
    before = files_of(synthetic)
    for at in range(1, 11):
        with sail() as running, monkeypatch.context() as patch:
            patch.setattr(Server, "_asked", killing(running, at))
            with pytest.raises(MachineFault, match="nothing was judged by it"):
                build_core(on_spark(synthetic, running.remote), place)
        assert synthetic.project.store.accepted(place) == accepted
        assert {path for path in files_of(synthetic) - before if not is_whole_object(path)} == set(), at
    assert current_release(synthetic.project) == release
    assert verify(synthetic.project, manifest) == []
    with sail() as running:
        built = build_core(on_spark(synthetic, running.remote), place)
    assert built.sidecar.verdict == "accepted"
    assert accepted is not None
    assert built.sidecar.content == accepted.content
    assert built.sidecar.ingredients["engine"] == "spark"
    assert_nothing_new(synthetic, before, place)


def is_whole_object(path: Path) -> bool:
    """An object is named by its content: written before it was judged, it is used when it is made again."""
    return path.suffix == ".parquet" and len(path.stem) == 64


def assert_nothing_new(atlas: Atlas, before: set[Path], place: Place) -> None:
    """The same rows are the same file: all that a second engine adds is the record of how they were made."""
    new = {path for path in files_of(atlas) - before if path.suffix != ".json"}
    assert new == set()
    assert all(path.is_relative_to(atlas.project.store.folder(place)) for path in files_of(atlas) - before)


def test_a_night_on_spark_publishes_the_same_numbers_and_fails_as_a_whole_without_its_server(synthetic: Atlas) -> None:
    before = synthetic.query("from report.odds_ratios order by all")
    truth = synthetic.query("from report.planted_truth order by all")
    release = current_release(synthetic.project)
    with sail() as running:
        remote = running.remote
    lost = Atlas(synthetic.folder)
    lost.settings = Settings(project=synthetic.folder, engine="spark", spark_remote=remote)
    held = synthetic.query("select source, wave, verdict, is_stale from meta.deliveries order by all")
    assert not lost.refresh().success
    assert current_release(synthetic.project) == release
    assert verify(synthetic.project, manifest_of(synthetic.project)) == []
    with sail() as running:
        lost.settings = Settings(project=synthetic.folder, engine="spark", spark_remote=running.remote)
        assert lost.refresh().success
    assert synthetic.query("from report.odds_ratios order by all") == before
    assert synthetic.query("from report.planted_truth order by all") == truth
    assert synthetic.query("select source, wave, verdict, is_stale from meta.deliveries order by all") == held
    assert verify(synthetic.project, manifest_of(synthetic.project)) == []
