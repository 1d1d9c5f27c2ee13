"""What only its authors know of a study, and what registers and archives ask for: section `publication` of study.yaml.

What is not said here is in no file that describes a release: nothing is inferred.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from pipelines.project.lines import Line, refused

ORCID = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]")

DOI = re.compile(r"10\.\d{4,9}/\S+")
"""As the DOI handbook writes them, without the address of a resolver."""

ADDRESS = re.compile(r"https://\S+\.\S+")


def _orcid_fault(orcid: str) -> str | None:
    if not ORCID.fullmatch(orcid):
        return "must be an ORCID as it is printed, such as 0000-0002-1825-0097"
    return None if orcid[-1] == _check_digit(orcid) else "is no ORCID: its last digit does not fit the others"


def _check_digit(orcid: str) -> str:
    """The last character by the 15 digits before it (ISO 7064, MOD 11-2)."""
    total = 0
    for digit in orcid.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return "X" if check == 10 else str(check)


def _doi_fault(doi: str) -> str | None:
    return None if DOI.fullmatch(doi) else "must be a DOI without an address before it, such as 10.5281/zenodo.1234567"


def _address_fault(address: str) -> str | None:
    return None if ADDRESS.fullmatch(address) else "must be an address that begins with https://"


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Author(_Settings):
    """A person by `family_names` and `given_names`, or an organisation by `name`."""

    family_names: Line | None = None
    given_names: Line | None = None
    name: Line | None = None
    orcid: Annotated[str, AfterValidator(refused(_orcid_fault))] | None = None
    affiliation: Line | None = None

    @model_validator(mode="after")
    def _is_a_person_or_an_organisation(self) -> "Author":
        if bool(self.name) == bool(self.family_names or self.given_names):
            raise ValueError("an author has family_names and given_names (a person), or name (an organisation)")
        if self.name is None and self.family_names is None:
            raise ValueError("a person has family_names; who has one name only has it there")
        if self.name and self.orcid:
            raise ValueError("an organisation has no orcid")
        return self

    @property
    def is_person(self) -> bool:
        return self.name is None

    @property
    def written(self) -> str:
        """`Given Family`, or the organisation."""
        return self.name or " ".join(name for name in (self.given_names, self.family_names) if name)

    @property
    def sorted_by(self) -> str:
        """`Family, Given`, or the organisation."""
        return self.name or ", ".join(name for name in (self.family_names, self.given_names) if name)


class Licence(_Settings):
    """Under what the report tables may be used by others."""

    name: Line
    address: Annotated[str, AfterValidator(refused(_address_fault))] | None = None


class Publication(_Settings):
    """Who publishes the releases of a study, under which licence and identifier."""

    authors: Annotated[list[Author], Field(min_length=1)] | None = None
    licence: Licence | None = None
    doi: Annotated[str, AfterValidator(refused(_doi_fault))] | None = Field(
        None,
        description="The identifier of all releases of the study together: one of a single release would be wrong of the next.",
    )
    publisher: Line | None = None
    keywords: list[Line] = []
