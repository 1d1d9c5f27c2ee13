"""A release as an RO-Crate: a folder that says in one JSON-LD file what each of its files is.

Sources: RO-Crate 1.1 (https://w3id.org/ro/crate/1.1), schema.org. `sha256` is a term of schema.org that the context of 1.1 does
not have yet, so the document brings it.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from pipelines.release.metadata.files import CRATE, DescribedFile
from pipelines.release.metadata.schema_org import Entity, author_entity, dataset, doi_address, source_entity
from pipelines.release.wording import Exported, published_studies, titled

PROFILE = "https://w3id.org/ro/crate/1.1"

CONTEXT = [f"{PROFILE}/context", {"sha256": "http://schema.org/sha256"}]

ROOT, SOFTWARE, MAKING, NO_LICENCE = "./", "#cramp-atlas", "#publication", "#no-licence-stated"


def crate(exported: Exported, files: Iterable[DescribedFile]) -> dict[str, Any]:
    """The document. Every file that is handed over is a part of the release; every `@id` that is referred to is in it."""
    described = list(files)
    authors = [_author(number, entity) for number, entity in enumerate(map(author_entity, exported.authors), start=1)]
    sources = [entity for row in exported.sources.iter_rows(named=True) for entity in _source(row)]
    columns = list(_columns(exported, {file.table for file in described if file.table}))
    literature = [_article(number, study) for number, study in enumerate(published_studies(exported), start=1)]
    publisher = {"@id": "#publisher", "@type": "Organization", "name": exported.publisher}
    licence, all_releases = _licence(exported), _all_releases(exported)
    of_data = [entity for entity in sources if entity["@type"] == "Dataset"]
    root = {
        "@id": ROOT,
        "@type": "Dataset",
        **dataset(exported),
        "author": _references(authors),
        "publisher": _reference(publisher),
        "license": _reference(licence),
        **({"isPartOf": _references(all_releases)} if all_releases else {}),
        "isBasedOn": _references(of_data),
        **({"citation": _references(literature)} if literature else {}),
        "variableMeasured": _references(columns),
        "hasPart": [{"@id": file.address} for file in described],
        "mentions": {"@id": MAKING},
    }
    descriptor = {
        "@id": CRATE,
        "@type": "CreativeWork",
        "conformsTo": {"@id": PROFILE},
        "about": {"@id": ROOT},
    }
    of_files = [_file(file, columns) for file in described]
    beside = [*authors, publisher, licence, *all_releases, *sources, *literature, *_making(exported, of_data)]
    return {"@context": CONTEXT, "@graph": [descriptor, root, *of_files, *columns, *_nested(beside)]}


def _reference(entity: Entity) -> Entity:
    return {"@id": entity["@id"]}


def _references(entities: Sequence[Entity]) -> list[Entity]:
    return [_reference(entity) for entity in entities]


def _author(number: int, entity: Entity) -> Entity:
    return {"@id": entity.pop("identifier", f"#author-{number}"), **entity}


def _nested(entities: Sequence[Entity]) -> list[Entity]:
    """The entities with those that stand within them beside them, as a crate is flat; each once."""
    flat: dict[str, Entity] = {}
    for entity in entities:
        flat[entity["@id"]] = entity
        if isinstance(affiliation := entity.get("affiliation"), dict):
            organisation = {"@id": f"#organisation-{quote(affiliation['name'])}", **affiliation}
            entity["affiliation"] = _reference(organisation)
            flat[organisation["@id"]] = organisation
    return list(flat.values())


def _source(row: dict[str, Any]) -> list[Entity]:
    """A source and its terms of use."""
    terms = {
        "@id": f"#terms-of-use-{quote(row['source'])}",
        "@type": "CreativeWork",
        "name": f"Terms of use: {titled(row)}",
        "description": row["terms_of_use"],
    }
    return [{"@id": f"#source-{quote(row['source'])}", **source_entity(row), "license": _reference(terms)}, terms]


def _licence(exported: Exported) -> Entity:
    licence = exported.publication.licence
    if licence is None:
        unsaid = "The authors have not said under which licence the release may be used; the terms of use of each source hold."
        return {"@id": NO_LICENCE, "@type": "CreativeWork", "name": "No licence is stated", "description": unsaid}
    described = f"The report tables may be used under {licence.name}; the terms of use of each source hold."
    return {"@id": licence.address or "#licence", "@type": "CreativeWork", "name": licence.name, "description": described}


def _all_releases(exported: Exported) -> list[Entity]:
    doi = exported.publication.doi
    return [{"@id": doi_address(doi), "@type": "Dataset", "name": f"{exported.name}, all releases"}] if doi else []


def _article(number: int, study: dict[str, Any]) -> Entity:
    """A published study by its DOI, or by its number where it has none."""
    address = doi_address(study["doi"]) if study["doi"] else f"#study-{number}"
    return {"@id": address, "@type": "ScholarlyArticle", "name": study["study"], "creditText": study["citation"]}


def _columns(exported: Exported, tables: set[str]) -> Iterable[Entity]:
    """What the tables of the folder measure, column by column."""
    for row in exported.dictionary.sort("table_name", "position").iter_rows(named=True):
        table = row["table_name"].removeprefix("report.")
        if table in tables:
            yield {
                "@id": _of_column(table, row["column_name"]),
                "@type": "PropertyValue",
                "name": row["column_name"],
                "description": row["description"],
                "additionalType": row["data_type"],
                **({"unitText": row["unit"]} if row["unit"] else {}),
            }


def _of_column(table: str, column: str) -> str:
    return f"#{quote(table)}.{quote(column)}"


def _file(file: DescribedFile, columns: Sequence[Entity]) -> Entity:
    measured = [column for column in columns if file.table and column["@id"].startswith(_of_column(file.table, ""))]
    return {
        "@id": file.address,
        "@type": "File",
        "name": file.path.rpartition("/")[2],
        **({"description": file.description} if file.description else {}),
        "encodingFormat": file.media_type,
        "contentSize": str(file.n_bytes),
        "sha256": file.sha256,
        **({"variableMeasured": _references(measured)} if measured else {}),
    }


def _making(exported: Exported, sources: Sequence[Entity]) -> list[Entity]:
    """What made the release: the software, and what it made it from."""
    code = exported.code
    software = {
        "@id": SOFTWARE,
        "@type": "SoftwareApplication",
        "name": "Cramp Atlas",
        **({"softwareVersion": code["package"], "identifier": f"sha256:{code['sha256']}"} if code else {}),
    }
    made = {
        "@id": MAKING,
        "@type": "CreateAction",
        "name": "The release was estimated and published",
        "endTime": exported.published_at,
        "instrument": {"@id": SOFTWARE},
        "object": _references(sources),
        "result": {"@id": ROOT},
    }
    return [software, made]
