"""The last look at the rows of an estimator: a number that is none, or that is infinite, is NULL, and its row says so."""

import polars as pl

NOT_FINITE = "not finite, and so not given: "


def with_finite_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with NULL in the place of every NaN and infinity, named in `presentation_reason` where there is one.

    An interval without an upper limit reaches to infinity, as everywhere in the report.
    """
    columns = [name for name, kind in frame.schema.items() if kind.is_float()]
    wrong = [name for name in columns if not frame[name].drop_nulls().is_finite().all()]
    if not wrong:
        return frame
    is_wrong = {name: pl.col(name).is_not_null() & ~pl.col(name).is_finite() for name in wrong}
    finite = [pl.when(~is_wrong[name]).then(pl.col(name)).alias(name) for name in wrong]
    if "presentation_reason" not in frame.columns:
        return frame.with_columns(finite)
    named = pl.concat_str([pl.when(is_wrong[name]).then(pl.lit(name)) for name in wrong], separator=", ", ignore_nulls=True)
    note = pl.when(pl.any_horizontal(is_wrong.values())).then(pl.concat_str(pl.lit(NOT_FINITE), named))
    reason = pl.concat_str(pl.col("presentation_reason").cast(pl.String), note, separator="; ", ignore_nulls=True)
    is_to_review = note.is_not_null() & pl.col("presentation").is_in(["show", "footnote"])
    return frame.with_columns(
        *finite,
        presentation=pl.when(is_to_review).then(pl.lit("review")).otherwise(pl.col("presentation")),
        presentation_reason=pl.when(note.is_not_null()).then(reason).otherwise(pl.col("presentation_reason")),
    )
