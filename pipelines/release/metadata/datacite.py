"""A release as the metadata of a DataCite record (schema 4, as JSON), to hand in with a deposit.

The DOI of a release is given by the archive that keeps it, so there is none in the record: who deposits it has it assigned. The
identifier of all releases together, where study.yaml has one, is related to it. Source: https://schema.datacite.org/.
"""

from typing import Any

from pipelines.project.publication import Author
from pipelines.release.wording import Exported, published_studies

Record = dict[str, Any]

SCHEMA = "http://datacite.org/schema/kernel-4"


def datacite(exported: Exported) -> Record:
    """The record; every property that the schema demands but the DOI."""
    publication = exported.publication
    return {
        "creators": [_creator(author) for author in exported.authors],
        "titles": [{"title": exported.name}],
        "publisher": {"name": exported.publisher},
        "publicationYear": exported.published_on[:4],
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Report tables"},
        **({"subjects": [{"subject": keyword} for keyword in publication.keywords]} if publication.keywords else {}),
        "dates": [{"date": exported.published_on, "dateType": "Issued"}],
        **_related(exported),
        "version": exported.release_id,
        **_rights(exported),
        "descriptions": [
            {"description": exported.question.strip(), "descriptionType": "Abstract"},
            *(
                {"description": f"{name}: {description}", "descriptionType": "TableOfContents"}
                for name, description in exported.descriptions.items()
            ),
        ],
        "schemaVersion": SCHEMA,
    }


def _creator(author: Author) -> Record:
    names = {"givenName": author.given_names, "familyName": author.family_names} if author.is_person else {}
    identifiers = (
        [{"nameIdentifier": f"https://orcid.org/{author.orcid}", "nameIdentifierScheme": "ORCID"}] if author.orcid else None
    )
    affiliation = [{"name": author.affiliation}] if author.affiliation else None
    said = {**names, "nameIdentifiers": identifiers, "affiliation": affiliation}
    kind = {"name": author.sorted_by, "nameType": "Personal" if author.is_person else "Organizational"}
    return kind | {key: value for key, value in said.items() if value}


def _related(exported: Exported) -> Record:
    """The sources that have an address, the published studies that are compared with, the identifier of all releases."""
    homepages = list(dict.fromkeys(exported.sources["homepage"].drop_nulls()))
    related = [
        {"relatedIdentifier": homepage, "relatedIdentifierType": "URL", "relationType": "IsDerivedFrom"} for homepage in homepages
    ]
    related += [
        {"relatedIdentifier": study["doi"], "relatedIdentifierType": "DOI", "relationType": "References"}
        for study in published_studies(exported)
        if study["doi"]
    ]
    if doi := exported.publication.doi:
        related.append({"relatedIdentifier": doi, "relatedIdentifierType": "DOI", "relationType": "IsVersionOf"})
    return {"relatedIdentifiers": related} if related else {}


def _rights(exported: Exported) -> Record:
    """The licence of the release, if its authors name one."""
    licence = exported.publication.licence
    if licence is None:
        return {}
    return {"rightsList": [{"rights": licence.name} | ({"rightsUri": licence.address} if licence.address else {})]}
