"""A release as a schema.org Dataset, for search engines; the words that the crate shares stand here, too.

Source: https://schema.org/Dataset.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.project.publication import Author
from pipelines.release.metadata.files import DescribedFile
from pipelines.release.wording import Exported, citation, titled

Entity = dict[str, Any]


def schema_org(exported: Exported, files: Iterable[DescribedFile]) -> Entity:
    """The release with its files as downloads, by addresses that are relative to the document."""
    return {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        **dataset(exported),
        "creator": [author_entity(author) for author in exported.authors],
        "publisher": {"@type": "Organization", "name": exported.publisher},
        **_licence(exported),
        **_all_releases(exported),
        "isBasedOn": [source_entity(row) for row in exported.sources.iter_rows(named=True)],
        "distribution": [_download(file) for file in files],
    }


def dataset(exported: Exported) -> Entity:
    """What describes the release itself, without its neighbours."""
    return {
        "name": exported.name,
        "description": exported.question.strip(),
        "version": exported.release_id,
        "datePublished": exported.published_on,
        "creditText": citation(exported)[0],
        **({"keywords": ", ".join(exported.publication.keywords)} if exported.publication.keywords else {}),
    }


def author_entity(author: Author) -> Entity:
    named = {"familyName": author.family_names, "givenName": author.given_names} if author.is_person else {}
    orcid = f"https://orcid.org/{author.orcid}" if author.orcid else None
    affiliation = {"@type": "Organization", "name": author.affiliation} if author.affiliation else None
    kind = {"@type": "Person" if author.is_person else "Organization", "name": author.written}
    return kind | {key: value for key, value in {**named, "identifier": orcid, "affiliation": affiliation}.items() if value}


def source_entity(row: Mapping[str, Any]) -> Entity:
    """A source, a row of meta.sources, with its terms of use in its own words."""
    return {
        "@type": "Dataset",
        "name": titled(row),
        **({"url": row["homepage"]} if row["homepage"] else {}),
        "creditText": row["citation"],
        "conditionsOfAccess": row["terms_of_use"],
    }


def _licence(exported: Exported) -> Entity:
    licence = exported.publication.licence
    if licence is None:
        return {}
    if licence.address is None:
        return {"license": {"@type": "CreativeWork", "name": licence.name}}
    return {"license": {"@type": "CreativeWork", "name": licence.name, "url": licence.address}}


def _all_releases(exported: Exported) -> Entity:
    doi = exported.publication.doi
    return (
        {"isPartOf": {"@type": "Dataset", "name": f"{exported.name}, all releases", "identifier": doi_address(doi)}}
        if doi
        else {}
    )


def doi_address(doi: str) -> str:
    return f"https://doi.org/{doi}"


def _download(file: DescribedFile) -> Entity:
    return {
        "@type": "DataDownload",
        "contentUrl": file.address,
        "encodingFormat": file.media_type,
        "contentSize": str(file.n_bytes),
        "sha256": file.sha256,
        **({"description": file.description} if file.description else {}),
    }
