"""What the authors say of themselves is taken as it is, or refused in words."""

import pytest
from pydantic import ValidationError

from pipelines.project.publication import Publication

PERSON = {"family_names": "Müller"}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"authors": [PERSON]},
        {"authors": [PERSON | {"orcid": "0000-0002-1694-233X"}]},  # the example of the ORCID documentation with an X
        {"authors": [{"name": "An institute", "affiliation": "A university"}]},
        {"licence": {"name": "All rights reserved"}},
        {"doi": "10.1000/182"},
    ],
)
def test_what_authors_say_is_taken(said: dict[str, object]) -> None:
    Publication.model_validate(said)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"authors": []}, "at least 1 item"),
        ({"authors": [{}]}, "or name"),
        ({"authors": [PERSON | {"name": "An institute"}]}, "or name"),
        ({"authors": [{"given_names": "Ana"}]}, "a person has family_names"),
        ({"authors": [{"name": "An institute", "orcid": "0000-0002-1825-0097"}]}, "an organisation has no orcid"),
        ({"authors": [PERSON | {"orcid": "https://orcid.org/0000-0002-1825-0097"}]}, "as it is printed"),
        ({"authors": [PERSON | {"orcid": "0000-0002-1825-0098"}]}, "its last digit does not fit"),
        ({"licence": {"name": "CC", "address": "creativecommons.org"}}, "begins with https://"),
        ({"doi": "https://doi.org/10.1000/182"}, "without an address before it"),
        ({"author": "Ana Müller"}, "Extra inputs"),
    ],
)
def test_what_cannot_be_meant_is_refused(said: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Publication.model_validate(said)
