"""Meta tables that say what the files of the project say: where the data come from, and what codes mean.

What was delivered, judged and set aside is in meta.py.
"""

from collections.abc import Mapping

import polars as pl

from pipelines.contracts.model import Contract
from pipelines.sources import Source


def sources(known: Mapping[str, Source]) -> pl.DataFrame:
    """One row per source: design, citation and terms of use."""
    return pl.DataFrame(
        [
            {
                "source": source.source,
                "title": source.title,
                "design": source.design,
                "classification": source.classification,
                "is_synthetic": source.is_synthetic,
                "homepage": source.homepage,
                "citation": source.citation.strip(),
                "terms_of_use": source.terms_of_use.strip(),
            }
            for source in known.values()
        ],
        infer_schema_length=None,
    )


def codes(contracts: Mapping[str, Contract]) -> pl.DataFrame:
    """One row per coded column and listed value, in the order of the codebook."""
    rows = [
        {
            "table_name": name,
            "column_name": column.name,
            "position": position,
            "received": code.received,
            "code": code.code,
            "meaning": code.meaning,
            "kind_of_missing": code.kind_of_missing,
        }
        for name, contract in sorted(contracts.items())
        if contract.codebook
        for column in contract.columns
        if column.codebook_variable
        for position, code in enumerate(contract.codebook.of(column.codebook_variable), start=1)
    ]
    return pl.DataFrame(rows, infer_schema_length=None)
