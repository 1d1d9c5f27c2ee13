"""What describes an exported release says what is in it, and nothing that nobody said.

The crate is read by the rules of RO-Crate 1.1, the DataCite record by the JSON Schema of DataCite 4.5 that lies here
(published by CERN with its library for DataCite, under a BSD licence).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema  # type: ignore[import-untyped]
import polars as pl
import pyarrow.parquet
import pytest
import yaml

from pipelines.project.publication import Publication
from pipelines.release.export import export, read_release
from pipelines.release.kept import current_release
from pipelines.release.metadata.writing import write_metadata
from pipelines.release.wording import Exported, citation, citation_file
from tests.atlas import Atlas

DATACITE = json.loads(Path(__file__).with_name("datacite-v4.5.json").read_text(encoding="utf-8"))

SAID = Publication.model_validate(
    {
        "authors": [
            {"family_names": "Müller", "given_names": "Ana", "orcid": "0000-0002-1825-0097", "affiliation": "A clinic"},
            {"name": "Institute of Sleep"},
        ],
        "licence": {"name": "CC-BY-4.0", "address": "https://creativecommons.org/licenses/by/4.0/"},
        "doi": "10.5281/zenodo.1234567",
        "publisher": "An archive",
        "keywords": ["leg cramps", "survey"],
    }
)

EVIDENCE = pl.DataFrame(
    {
        "study": ["One 2001", "One 2001", "Two 2002"],
        "citation": ["One. A journal 2001.", "One. A journal 2001.", "Two. A book."],
        "doi": ["10.1000/one", "10.1000/one", None],
    }
)


@pytest.fixture(scope="module")
def folder(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Path:
    exported = tmp_path_factory.mktemp("described") / "release"
    export(published_synthetic.project, exported)
    return exported


@pytest.fixture(scope="module")
def exported(published_synthetic: Atlas) -> Exported:
    return read_release(published_synthetic.project)


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def entities(folder: Path) -> dict[str, Any]:
    """The crate by `@id`; a number of times that one stands there more than once is a fault."""
    graph = read(folder / "ro-crate-metadata.json")["@graph"]
    found = {entity["@id"]: entity for entity in graph}
    assert len(found) == len(graph)
    return found


def referred_to(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from referred_to(item)
    elif isinstance(value, Mapping):
        if set(value) == {"@id"}:
            yield value["@id"]
        for item in value.values():
            yield from referred_to(item)


def described(exported: Exported, folder: Path) -> Path:
    folder.mkdir()
    (folder / "CITATION.cff").write_text(citation_file(exported), encoding="utf-8")
    write_metadata(exported, folder)
    return folder


def assert_is_a_crate(folder: Path) -> None:
    """What RO-Crate 1.1 demands of a crate, its root data set and its files."""
    found = entities(folder)
    descriptor, root = found["ro-crate-metadata.json"], found["./"]
    assert (descriptor["@type"], descriptor["about"]) == ("CreativeWork", {"@id": "./"})
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    context = read(folder / "ro-crate-metadata.json")["@context"]
    assert context[0] == "https://w3id.org/ro/crate/1.1/context"
    assert root["@type"] == "Dataset"
    assert all(root[name] for name in ("name", "description", "datePublished", "license", "hasPart", "author"))
    assert {entity["@type"] for entity in found.values()} >= {"File", "SoftwareApplication", "CreateAction"}
    outside = {"https://w3id.org/ro/crate/1.1"}
    assert set(referred_to([*found.values()])) - found.keys() == outside
    nested = [
        value for entity in found.values() for value in entity.values() if isinstance(value, dict) and set(value) != {"@id"}
    ]
    assert nested == []


def test_the_crate_lists_every_file_with_its_size_and_hash(folder: Path) -> None:
    assert_is_a_crate(folder)
    found = entities(folder)
    parts = [part["@id"] for part in found["./"]["hasPart"]]
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {"ro-crate-metadata.json"}
    assert {unquote(part) for part in parts} == there
    for part in parts:
        content = (folder / unquote(part)).read_bytes()
        entity = found[part]
        assert entity["@type"] == "File"
        assert (entity["contentSize"], entity["sha256"]) == (str(len(content)), hashlib.sha256(content).hexdigest())
        assert "/" in entity["encodingFormat"]
        assert entity["description"]


def test_the_crate_describes_every_column_of_every_table(folder: Path) -> None:
    found = entities(folder)
    tables = sorted((folder / "parquet").glob("*.parquet"))
    assert len(tables) > 5
    measured = 0
    for table in tables:
        for kind in ("parquet", "csv"):
            columns = [found[column["@id"]] for column in found[f"{kind}/{table.stem}.{kind}"]["variableMeasured"]]
            assert [column["name"] for column in columns] == pyarrow.parquet.read_schema(table).names
            assert all(column["@type"] == "PropertyValue" and column["description"] for column in columns)
        measured += len(columns)
    assert len(found["./"]["variableMeasured"]) == measured


def test_the_crate_says_what_the_release_was_made_from(published_synthetic: Atlas, folder: Path) -> None:
    found = entities(folder)
    sources = published_synthetic.query(
        "select title, citation, terms_of_use from meta.sources where is_synthetic order by source"
    )
    based_on = [found[source["@id"]] for source in found["./"]["isBasedOn"]]
    assert [source["name"] for source in based_on] == [f"{title} (synthetic)" for title, _, _ in sources]
    for source, (_, cited, terms) in zip(based_on, sources, strict=True):
        assert (source["creditText"], found[source["license"]["@id"]]["description"]) == (cited, terms)
    [made] = [entity for entity in found.values() if entity["@type"] == "CreateAction"]
    software = found[made["instrument"]["@id"]]
    release = current_release(published_synthetic.project)
    manifest = read(published_synthetic.warehouse / "releases" / str(release) / "manifest.json")
    assert software["softwareVersion"] == manifest["code"]["package"]
    assert software["identifier"] == f"sha256:{manifest['code']['sha256']}"
    assert (made["endTime"], made["result"]) == (manifest["published_at"], {"@id": "./"})
    assert found["./"]["version"] == release


def test_nothing_is_said_that_nobody_said(published_synthetic: Atlas, folder: Path) -> None:
    """No licence, no identifier and no person where study.yaml names none."""
    found = entities(folder)
    licence = found[found["./"]["license"]["@id"]]
    assert licence["name"] == "No licence is stated"
    assert "have not said" in licence["description"]
    assert "Person" not in {entity["@type"] for entity in found.values()}
    assert "isPartOf" not in found["./"]
    record, page = read(folder / "datacite.json"), read(folder / "schema-org.json")
    assert {"doi", "identifiers", "rightsList", "language"} & record.keys() == set()
    assert {"license", "identifier", "isPartOf"} & page.keys() == set()
    cited = yaml.safe_load((folder / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"doi", "license", "license-url", "identifiers"} & cited.keys() == set()


def test_all_four_files_say_the_same(folder: Path) -> None:
    cited = yaml.safe_load((folder / "CITATION.cff").read_text(encoding="utf-8"))
    record, page, root = (read(folder / "datacite.json"), read(folder / "schema-org.json"), entities(folder)["./"])
    assert {record["titles"][0]["title"], page["name"], root["name"]} == {cited["title"]}
    assert {record["version"], page["version"], root["version"]} == {cited["version"]}
    assert {record["dates"][0]["date"], page["datePublished"], root["datePublished"]} == {cited["date-released"]}
    assert record["creators"][0]["name"] == page["creator"][0]["name"] == cited["authors"][0]["name"]
    assert [source["name"] for source in page["isBasedOn"]] == [reference["title"] for reference in cited["references"]]


def test_the_record_is_one_of_datacite(folder: Path) -> None:
    jsonschema.Draft201909Validator(DATACITE).validate(read(folder / "datacite.json"))


def test_the_downloads_of_schema_org_are_there(folder: Path) -> None:
    page = read(folder / "schema-org.json")
    assert (page["@context"], page["@type"]) == ("https://schema.org/", "Dataset")
    assert len(page["distribution"]) > 20
    for download in page["distribution"]:
        content = (folder / unquote(download["contentUrl"])).read_bytes()
        assert (download["contentSize"], download["sha256"]) == (str(len(content)), hashlib.sha256(content).hexdigest())


def test_what_the_authors_say_stands_in_all_of_them(exported: Exported, tmp_path: Path) -> None:
    told = replace(exported, publication=SAID, tables={**exported.tables, "evidence": EVIDENCE})
    folder = described(told, tmp_path / "said")
    assert_is_a_crate(folder)
    found = entities(folder)
    root = found["./"]
    person, institute = (found[author["@id"]] for author in root["author"])
    assert (person["@id"], person["@type"], person["name"]) == ("https://orcid.org/0000-0002-1825-0097", "Person", "Ana Müller")
    assert found[person["affiliation"]["@id"]]["name"] == "A clinic"
    assert (institute["@type"], institute["name"]) == ("Organization", "Institute of Sleep")
    assert root["license"] == {"@id": "https://creativecommons.org/licenses/by/4.0/"}
    assert root["isPartOf"] == [{"@id": "https://doi.org/10.5281/zenodo.1234567"}]
    articles = [found[article["@id"]] for article in root["citation"]]
    assert [(article["name"], article["creditText"]) for article in articles] == [
        ("One 2001", "One. A journal 2001."),
        ("Two 2002", "Two. A book."),
    ]
    assert articles[0]["@id"] == "https://doi.org/10.1000/one"
    record = read(folder / "datacite.json")
    jsonschema.Draft201909Validator(DATACITE).validate(record)
    assert [(creator["name"], creator["nameType"]) for creator in record["creators"]] == [
        ("Müller, Ana", "Personal"),
        ("Institute of Sleep", "Organizational"),
    ]
    assert record["publisher"] == {"name": "An archive"}
    assert record["rightsList"] == [{"rights": "CC-BY-4.0", "rightsUri": "https://creativecommons.org/licenses/by/4.0/"}]
    assert {(related["relationType"], related["relatedIdentifier"]) for related in record["relatedIdentifiers"]} == {
        ("References", "10.1000/one"),
        ("IsVersionOf", "10.5281/zenodo.1234567"),
    }
    page = read(folder / "schema-org.json")
    assert page["creator"][0]["familyName"] == "Müller"
    assert page["license"]["url"] == "https://creativecommons.org/licenses/by/4.0/"
    cited = yaml.safe_load((folder / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["authors"] == [
        {
            "family-names": "Müller",
            "given-names": "Ana",
            "orcid": "https://orcid.org/0000-0002-1825-0097",
            "affiliation": "A clinic",
        },
        {"name": "Institute of Sleep"},
    ]
    assert cited["identifiers"][0]["value"] == "10.5281/zenodo.1234567"
    assert citation(told)[0].startswith("Müller, Ana; Institute of Sleep. ")


def test_a_name_of_a_file_becomes_an_address(exported: Exported, tmp_path: Path) -> None:
    folder = tmp_path / "named"
    (folder / "report tables").mkdir(parents=True)
    (folder / "report tables" / "50 %–60 %.csv").write_text("a\n1\n", encoding="utf-8")
    write_metadata(exported, folder)
    [part] = [part["@id"] for part in entities(folder)["./"]["hasPart"] if "report" in part["@id"]]
    assert part == "report%20tables/50%20%25%E2%80%9360%20%25.csv"
