"""The site holds what anybody may see of the releases, and links only among its own files."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import polars as pl
import pytest
import yaml
from lxml import html
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from pipelines.machine.errors import CrampAtlasError
from pipelines.release.export import export
from pipelines.release.kept import current_release, manifests
from pipelines.release.publish import publish
from pipelines.release.rollback import resume, roll_back
from pipelines.release.site.content import SiteRelease, _fault, read_content
from pipelines.release.site.engine import copy_engine
from pipelines.release.site.writing import Written, write_site
from pipelines.terminal.cli import app
from tests.atlas import Atlas
from tests.release.disclosure.test_release import declare
from tests.release.test_published import own_copy

SURVEY = "synthetic_survey"

OWN_PAGES = ("index.html", "changes.html", "dictionary.html")


@pytest.fixture(scope="module", autouse=True)
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small one in the place of that of 40 MB, as `make site-engine` lists it."""
    folder = tmp_path_factory.mktemp("engine")
    (folder / "engine.js").write_text("var QueryEngine", encoding="utf-8")
    listed = {"files": {"engine.js": hashlib.sha256(b"var QueryEngine").hexdigest()}}
    (folder / "engine.json").write_text(json.dumps(listed), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRAMP_ATLAS_QUERY_ENGINE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def twice(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """Two releases; of the second the authors are named. Read only."""
    atlas = published_synthetic.copy(tmp_path_factory.mktemp("twice") / "project")
    with (atlas.folder / "study.yaml").open("a", encoding="utf-8") as study:
        study.write("\npublication:\n  authors: [{family_names: Müller, given_names: Ana}, {name: A group}]\n")
    assert publish(atlas.project).is_new
    return atlas


@pytest.fixture(scope="module")
def site(twice: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "published"
    write_site(twice.project, folder)
    return folder


@pytest.fixture(scope="module")
def restricted(twice: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """The survey is restricted from the third release on. Read only."""
    atlas = twice.copy(tmp_path_factory.mktemp("restricted") / "project")
    declare(atlas, SURVEY, classification="restricted")
    assert publish(atlas.project).is_new
    return atlas


@pytest.fixture(scope="module")
def restricted_site(restricted: Atlas, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Written]:
    folder = tmp_path_factory.mktemp("restricted_site") / "published"
    return folder, write_site(restricted.project, folder)


def on_site(atlas: Atlas, *, with_earlier: bool = True) -> list[str]:
    return [release.release_id for release in read_content(atlas.project, with_earlier=with_earlier).releases]


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def read(page: Path) -> Any:
    return html.fromstring(page.read_text(encoding="utf-8"))


def links(site: Path) -> Iterator[tuple[Path, str]]:
    """Page and address of everything that a page of the site, or of a release in it, leads to or loads."""
    for page in sorted(site.rglob("*.html")):
        for element, attribute, address, _ in read(page).iterlinks():
            if element.tag != "object" and attribute in {"href", "src"}:
                yield page, address


def test_every_link_leads_to_a_file_and_place_of_the_site(site: Path) -> None:
    followed = 0
    for page, address in links(site):
        parts = urlsplit(address)
        assert (parts.scheme in {"", "data"}, parts.netloc) == (True, ""), (page.name, address)
        if parts.scheme == "data":
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        assert target.is_relative_to(site.resolve()), (page.name, address)
        assert target.is_file(), (page.name, address)
        if parts.fragment:
            assert read(target).xpath("//*[@id=$id]", id=unquote(parts.fragment)), (page.name, address)
        followed += 1
    assert followed > 150


def test_every_file_but_the_list_of_files_is_led_to(site: Path) -> None:
    reached = {(page.parent / unquote(urlsplit(address).path)).resolve() for page, address in links(site)}
    alone = files(site) - {path.relative_to(site.resolve()).as_posix() for path in reached if path.is_relative_to(site.resolve())}
    assert {name for name in alone if not name.startswith("releases/")} <= {
        "site.json",
        "index.html",
        "data/CITATION.txt",
        "query_worker.js",
        "engine/engine.js",
    }


def test_pages_of_releases_are_as_they_were_published(twice: Atlas, site: Path) -> None:
    published = manifests(twice.project)
    assert sorted(path.name for path in (site / "releases").iterdir()) == sorted(one["release_id"] for one in published)
    for manifest in published:
        folder = site / "releases" / manifest["release_id"]
        assert files(folder) - {"changes.csv"} == {
            name for name in manifest["files"] if not name.endswith((".duckdb", ".parquet"))
        }
        for name in files(folder) - {"changes.csv"}:
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == manifest["files"][name]


def test_the_page_of_a_release_is_cited_as_its_files_are(twice: Atlas, site: Path) -> None:
    before, now = (manifest["release_id"] for manifest in manifests(twice.project))
    cited = {
        name: read(site / "releases" / name / "report.html").get_element_by_id("cite").text_content() for name in (before, now)
    }
    assert "Cramp Atlas. Nocturnal leg cramps: report tables. Release" in cited[before]
    assert f"Müller, Ana; A group. Nocturnal leg cramps: report tables. Release {now}, {now[:10]}." in cited[now]
    for name in ("CITATION.txt", "CITATION.cff", "schema-org.json"):
        assert "Müller" in (site / "data" / name).read_text(encoding="utf-8")
    assert "Müller, Ana; A group. Nocturnal" in read(site / "index.html").get_element_by_id("cite").text_content()


def test_the_overview_opens_with_the_study_and_the_newest_release(twice: Atlas, site: Path) -> None:
    page = read(site / "index.html")
    study = twice.project.study
    assert [heading.text for heading in page.iter("h1")] == [study.title]
    assert study.question in page.find(".//header").text_content()
    rows = page.xpath("//section[@id='releases']//tbody/tr")
    newest_first = [manifest["release_id"] for manifest in reversed(manifests(twice.project))]
    assert [row.find(".//a").text for row in rows] == newest_first
    assert "No number of a report table differs from the release before." in rows[0].text_content()
    assert "Compared with no other release." in rows[1].text_content()


def test_the_overview_describes_the_release_for_search_engines(site: Path) -> None:
    [described] = read(site / "index.html").xpath("//script[@type='application/ld+json']")
    dataset = json.loads(described.text)
    assert (dataset["@context"], dataset["@type"]) == ("https://schema.org/", "Dataset")
    beside = json.loads((site / "data" / "schema-org.json").read_text(encoding="utf-8"))
    assert dataset["version"] == beside["version"]
    for download in dataset["distribution"]:
        content = (site / unquote(download["contentUrl"])).read_bytes()
        assert (download["contentSize"], download["sha256"]) == (str(len(content)), hashlib.sha256(content).hexdigest())


def test_the_page_for_sql_runs_the_scripts_of_the_site_and_lists_every_column(site: Path) -> None:
    page = read(site / "query.html")
    assert page.xpath("//script/@src") == ["query.js"]
    policy = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
    assert policy.startswith("default-src 'none'; ")
    assert policy.endswith("; script-src 'self'; worker-src 'self'; connect-src 'self'")
    assert files(site / "engine") == {"engine.js"}
    listed = {table.get("data-table"): table.xpath(".//tbody/tr/th/text()") for table in page.xpath("//details")}
    for path in (site / "data" / "parquet").iterdir():
        assert listed.pop(path.stem) == list(pl.read_parquet_schema(path))
    assert listed == {}


def test_without_an_engine_the_page_for_sql_says_what_to_run(twice: Atlas, engine: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRAMP_ATLAS_QUERY_ENGINE", str(tmp_path / "none"))
        environment = {"CRAMP_ATLAS_PROJECT": str(twice.folder)}
        ended = CliRunner().invoke(app, ["releases", "site", str(tmp_path / "site")], env=environment)
    assert ended.exit_code == 0
    assert "query.html answers no SQL yet: make site-engine" in ended.stdout
    page = read(tmp_path / "site" / "query.html")
    assert "make site-engine" in page.text_content()
    assert page.xpath("//script | //textarea") == []
    assert not files(tmp_path / "site") & {"query.js", "query_worker.js"}


@pytest.mark.parametrize(
    ("listed", "why"),
    [
        ('{"files": {"engine.js": "0"}}', r"engine\.js is not what make site-engine made"),
        ('{"files": {"gone.js": "0"}}', r"gone\.js is not what make site-engine made"),
        ('{"files": {"../mine.txt": "0"}}', "names a file of another folder"),
        ('{"files": []}', "cannot be read: remove"),
        ("{", "cannot be read: remove"),
    ],
)
def test_an_engine_that_is_not_whole_is_refused(tmp_path: Path, listed: str, why: str) -> None:
    folder, site = tmp_path / "engine", tmp_path / "site"
    folder.mkdir()
    site.mkdir()
    (folder / "engine.js").write_text("half", encoding="utf-8")
    (folder / "engine.json").write_text(listed, encoding="utf-8")
    with pytest.raises(CrampAtlasError, match=why):
        copy_engine(folder, site)


def test_nothing_but_the_description_is_a_script(site: Path) -> None:
    for name in OWN_PAGES:
        page = read(site / name)
        assert page.xpath("//script[not(@type='application/ld+json')] | //iframe | //form | //object") == []
        policy = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_tables_are_those_of_the_public_database(twice: Atlas, site: Path) -> None:
    with duckdb.connect(str(twice.warehouse / "epi_public.duckdb"), read_only=True) as connection:
        names = [
            name for (name,) in connection.sql("select table_name from duckdb_tables() where schema_name = 'report'").fetchall()
        ]
        for kind in ("csv", "parquet"):
            assert {path.stem for path in (site / "data" / kind).iterdir()} == set(names)
        for name in names:
            public = connection.sql(f"from report.{name}").pl()
            assert_frame_equal(pl.read_parquet(site / "data" / "parquet" / f"{name}.parquet"), public, check_exact=True)
            assert_frame_equal(pl.read_csv(site / "data" / "csv" / f"{name}.csv", schema=public.schema), public, check_exact=True)


def test_the_dictionary_has_every_column_and_its_meaning(twice: Atlas, site: Path) -> None:
    page = read(site / "dictionary.html")
    with duckdb.connect(str(twice.warehouse / "epi_public.duckdb"), read_only=True) as connection:
        known = connection.sql(
            "select table_name, column_name, data_type, comment from duckdb_columns() where schema_name = 'report' order by all"
        ).fetchall()
    assert len(known) > 100
    shown = sorted(
        (section.get("id"), *(cell.text_content() for cell in (row[0], row[1], row[3])))
        for section in page.xpath("//main/section")
        for row in section.xpath(".//tbody/tr")
    )
    assert [row[:3] for row in shown] == [row[:3] for row in known]
    assert all(comment.startswith(meaning) for (*_, meaning), (*_, comment) in zip(shown, known, strict=True))


def test_a_restricted_source_is_on_the_site_as_its_page_shows_it_and_no_release_without_control_is(
    restricted: Atlas, restricted_site: tuple[Path, Written]
) -> None:
    folder, written = restricted_site
    current = str(current_release(restricted.project))
    assert written.releases == (current,)
    assert len(written.left_out) == 2
    assert all("it shows synthetic_survey without the disclosure control of now" in line for line in written.left_out)
    assert all(line in read(folder / "index.html").text_content() for line in written.left_out)
    assert {path.name for path in (folder / "releases").iterdir()} == {current}
    release = restricted.warehouse / "releases" / current
    beside = {name for name in files(folder) if name.startswith("releases/")} - {f"releases/{current}/changes.csv"}
    assert all((folder / name).read_bytes() == (release.parent.parent / name).read_bytes() for name in beside)
    assert not [name for name in files(folder) if name.endswith(".duckdb")]
    public = f"select count(*) filter (is_suppressed), count(*) from report.prevalence_by_exposure where source = '{SURVEY}'"
    hidden, all_rows = restricted.query(public, "epi_public.duckdb")[0]
    shown = pl.read_parquet(folder / "data" / "parquet" / "prevalence_by_exposure.parquet").filter(source=SURVEY)
    assert 0 < hidden < all_rows == shown.height
    assert shown["is_suppressed"].sum() == hidden
    assert shown.filter("is_suppressed")["n_cases"].null_count() > 0
    weaker = {**manifests(restricted.project)[-1], "minimum_cell": 10}
    unknown = {name: value for name, value in weaker.items() if name != "minimum_cell"}
    assert restricted.project.study.disclosure.minimum_cell == 11
    assert _fault(restricted.project, weaker | {"minimum_cell": 11}) is None
    for earlier in (weaker, unknown):
        assert _fault(restricted.project, earlier) == "it shows synthetic_survey without the disclosure control of now"
    changes = pl.read_csv(folder / "releases" / current / "changes.csv")
    [(n_changes,)] = restricted.query("select count(*) from meta.release_changes", "epi_public.duckdb")
    assert changes.height == n_changes


def test_what_can_be_downloaded_is_an_export(restricted: Atlas, restricted_site: tuple[Path, Written], tmp_path: Path) -> None:
    folder, _ = restricted_site
    export(restricted.project, tmp_path / "export")
    names = files(tmp_path / "export")
    assert files(folder / "data") == names
    dated = {"report.xlsx", "ro-crate-metadata.json", "schema-org.json"}  # a workbook holds the moment of its making
    for name in names - dated:
        assert (folder / "data" / name).read_bytes() == (tmp_path / "export" / name).read_bytes()


def test_readers_of_an_earlier_release_get_no_later_one(twice: Atlas, tmp_path: Path) -> None:
    synthetic = twice.copy(tmp_path / "project")
    first, later = (manifest["release_id"] for manifest in manifests(synthetic.project))
    roll_back(synthetic.project, first)
    assert on_site(synthetic) == [first]
    resume(synthetic.project)
    assert on_site(synthetic) == [later, first]
    assert on_site(synthetic, with_earlier=False) == [later]


def test_a_damaged_release_is_left_out_and_that_of_readers_is_refused(twice: Atlas, tmp_path: Path) -> None:
    atlas = twice.copy(tmp_path / "project")
    first, later = (manifest["release_id"] for manifest in manifests(atlas.project))
    own_copy(atlas.warehouse / "releases" / first / "report.html", b"damaged")
    content = read_content(atlas.project, with_earlier=True)
    assert [release.release_id for release in content.releases] == [later]
    assert content.left_out == [f"release {first} is not on the site: its files are not what was published"]
    own_copy(atlas.warehouse / "releases" / later / "report.html", b"damaged")
    with pytest.raises(CrampAtlasError, match=r"report\.html is not what was published: cramp-atlas releases verify"):
        write_site(atlas.project, tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_texts_of_others_are_texts_on_the_site(twice: Atlas, tmp_path: Path) -> None:
    """The title of the study and what its authors say of themselves end no element, and begin none."""
    hostile = "</script><img src=x onerror=ran()><script>ran()</script>"
    atlas = twice.copy(tmp_path / "project")
    path = atlas.folder / "study.yaml"
    study = yaml.safe_load(path.read_text(encoding="utf-8"))
    study |= {"title": f"=1 {hostile}", "publication": {"authors": [{"name": f"A group {hostile}"}], "keywords": [hostile]}}
    path.write_text(yaml.safe_dump(study), encoding="utf-8")
    write_site(atlas.project, tmp_path / "site", with_earlier=False)
    for name in (*OWN_PAGES, "query.html"):
        page = read(tmp_path / "site" / name)
        assert page.xpath("//img | //script[not(@src='query.js' or @type='application/ld+json')]") == []
        assert hostile in page.text_content()
    [described] = read(tmp_path / "site" / "index.html").xpath("//script[@type='application/ld+json']")
    dataset = json.loads(described.text)
    assert dataset["name"] == f"=1 {hostile}: report tables"
    assert dataset["creator"] == [{"@type": "Organization", "name": f"A group {hostile}"}]


def test_what_changed_is_said_table_by_table(twice: Atlas) -> None:
    release = read_content(twice.project, with_earlier=False).current
    changes = pl.DataFrame(
        {
            "table_name": ["report.trends", "report.trends", "report.odds_ratios"],
            "source": ["nhanes", "nhanes", None],
            "row_key": ["a", "b", "c"],
            "change": ["changed", "added", "vanished"],
            "difference_in_se": [-1.25, None, None],
            "ingredient": ["a delivery"] * 3,
        }
    )
    changed: SiteRelease = replace(release, changes=changes)
    assert changed.in_words == "1 numbers changed, 1 rows new, 1 gone, in odds_ratios, trends."
    assert [(row["table_name"], row["changed"], row["added"], row["vanished"]) for row in changed.changed_tables] == [
        ("report.trends", 1, 1, 0),
        ("report.odds_ratios", 0, 0, 1),
    ]


def test_the_command_says_where_the_site_is_and_refuses_a_folder_of_others(twice: Atlas, tmp_path: Path) -> None:
    environment = {"CRAMP_ATLAS_PROJECT": str(twice.folder)}
    folder = tmp_path / "site"
    ended = CliRunner().invoke(app, ["releases", "site", str(folder)], env=environment)
    assert ended.exit_code == 0, ended.stdout
    assert f"the site of release {current_release(twice.project)} and 1 before it is in {folder}" in ended.stdout
    (folder / "CNAME").write_text("mine", encoding="utf-8")
    refused = CliRunner().invoke(app, ["releases", "site", str(folder)], env=environment)
    assert (refused.exit_code, "holds CNAME, which no site wrote" in refused.stdout) == (2, True)
    inside = CliRunner().invoke(app, ["releases", "site", str(twice.warehouse / "releases" / "site")], env=environment)
    assert (inside.exit_code, "lies in the warehouse" in inside.stdout) == (2, True)
