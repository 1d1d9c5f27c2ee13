"""The words by which report tables about the literature are told from those about the sources of the project."""

PUBLISHED = "published"
"""Stands as the source of what is of the literature, and of no survey or study of the project."""

OF_THE_LITERATURE = frozenset(
    {"report.evidence", "report.evidence_synthesis", "report.evidence_synthesis_estimates", "report.claims"}
)
"""Report tables of no source: one object each."""

OF_SOURCES = frozenset({"report.evidence_comparison", "report.published_numbers"})
"""Report tables that hold numbers of a source against what is published."""

TABLES = OF_THE_LITERATURE | OF_SOURCES

EVIDENCE = "evidence."
"""Begins the name of a frame that selects of report tables read of the literature."""
