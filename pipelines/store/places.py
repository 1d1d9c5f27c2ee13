"""Where in the store things are kept that are no table: beside the tables they are about."""

from dataclasses import replace

from pipelines.store import Place

WHOLE_DELIVERY = "raw"
"""The name under which the rejection of a delivery stands beside those of single tables."""


GENERATOR = "generator"
"""The name under which a failure to generate a synthetic delivery stands beside the rejections."""


def rejected_rows_place(place: Place) -> Place:
    """Where the records that were set aside from a raw table are listed."""
    return Place("meta", "rejected_rows", place.source, f"{place.wave}.{place.table}")


def claims_place(place: Place) -> Place:
    """Where the verdicts on claims about a raw table are kept: apart from its own, because other tables enter them."""
    return replace(place, schema="claims")


def about(place: Place) -> Place:
    """The place that a verdict is about, be it kept with its object or as claims."""
    return replace(place, schema="raw") if place.schema == "claims" else place


def drift_place(place: Place) -> Place:
    """Where the findings about a raw table are kept."""
    return replace(place, schema="drift")
