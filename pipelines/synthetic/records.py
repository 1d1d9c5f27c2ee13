"""Records on their way from the person to the delivered file: made by the select, partly unanswered, at last a mess of text."""

from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.machine.errors import ConfigurationError
from pipelines.making.engine import bind_frame, engine
from pipelines.project.generator import Mess, Unanswered
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.synthetic.streams import generator, uniforms


def generate(
    project: Project, source: Source, table: str, frames: Mapping[str, pl.DataFrame], also: Sequence[str] = ()
) -> pl.DataFrame:
    """What `sql/synthetic/<source>.sql` makes of the frames (bound as generator.<name>), in columns and types of the raw table.

    After them come the columns of `also`, as numbers. Raises ConfigurationError where the select cannot run or returns others.
    """
    name = f"sql/synthetic/{source.source}.sql"
    schema = pa.schema([*project.contracts[f"raw.{table}"].arrow_schema(), *(pa.field(column, pa.float64()) for column in also)])
    with engine(project.settings) as connection:
        for frame_name, frame in frames.items():
            bind_frame(connection, "generator", frame_name, frame)
        try:
            records = connection.sql(population_select(project, source)).to_arrow_table()
        except duckdb.Error as error:
            raise ConfigurationError(f"{name} cannot run: {error}") from error
    if sorted(records.column_names) != sorted(schema.names):
        raise ConfigurationError(f"{name} must return these columns and no others: {', '.join(schema.names)}")
    return pl.DataFrame(pa.Table.from_arrays([records[field.name].cast(field.type) for field in schema], schema=schema))


def population_select(project: Project, source: Source) -> str:
    """The text of `sql/synthetic/<source>.sql`; raises ConfigurationError where there is none."""
    path = project.settings.sql / "synthetic" / f"{source.source}.sql"
    if not path.is_file():
        raise ConfigurationError(f"{source.source} has a generator and no select: add sql/synthetic/{path.name}")
    return path.read_text(encoding="utf-8")


def with_unanswered(
    people: pl.DataFrame, blocks: Sequence[Unanswered], codebook: pl.DataFrame, seed: int, *name: str
) -> pl.DataFrame:
    """The people with some blocks of variables unanswered: the codebook's code of that kind of missing, or nothing for `missing`.

    Who was not asked (NULL) is left alone. Whether a block is answered depends on nothing, so that complete cases stay unbiased.
    """
    for block in blocks:
        drawn = pl.Series("drawn", uniforms(seed, people.height, *name, "unanswered", *block.variables))
        for variable in block.variables:
            answer, reached = pl.col(variable), 0.0
            for kind, share in block.share.items():
                is_kind = drawn.is_between(reached, reached + share, closed="left")
                code = None if kind == "missing" else _code_of(codebook, variable, kind)
                given = pl.lit(code, pl.String).cast(people.schema[variable])
                answer = pl.when(pl.lit(is_kind) & pl.col(variable).is_not_null()).then(given).otherwise(answer)
                reached += share
            people = people.with_columns(answer.alias(variable))
    return people


def as_delivered(people: pl.DataFrame, mess: Mess, codebook: pl.DataFrame, seed: int, *name: str) -> pl.DataFrame:
    """The records as the text of a delivered file: shuffled, with variants, padding, impossible values and repeats."""
    texts = people.with_columns(pl.all().cast(pl.String))
    for variable, share in mess.text_variants.items():
        texts = _with_variants(texts, variable, share, codebook, uniforms(seed, texts.height, *name, "variants", variable))
    for variable, share in mess.padded.items():
        is_hit = pl.Series(uniforms(seed, texts.height, *name, "padded", variable) < share)
        padded = pl.concat_str(pl.lit(" "), variable)
        texts = texts.with_columns(pl.when(pl.lit(is_hit)).then(padded).otherwise(pl.col(variable)).alias(variable))
    chosen = generator(seed, *name, "records set aside").permutation(texts.height)
    for impossible in mess.impossible:
        rows, chosen = chosen[: impossible.records], chosen[impossible.records :]
        is_hit = pl.Series(np.isin(np.arange(texts.height), rows))
        given = pl.when(pl.lit(is_hit)).then(pl.lit(str(impossible.value))).otherwise(pl.col(impossible.variable))
        texts = texts.with_columns(given.alias(impossible.variable))
    texts = pl.concat([texts, texts[chosen[: mess.repeated_records]]])
    return texts[generator(seed, *name, "order of records").permutation(texts.height)]


def _with_variants(texts: pl.DataFrame, variable: str, share: float, codebook: pl.DataFrame, drawn: np.ndarray) -> pl.DataFrame:
    """Where `drawn` is under `share`, the answer as another text that the codebook lists for its code, each equally often."""
    listed = codebook.filter(pl.col("variable") == variable)
    answers = texts[variable].to_numpy().astype(object)
    given = answers.copy()
    for received, code in listed.filter(pl.col("kind_of_missing").is_null()).select("received", "code").iter_rows():
        variants = listed.filter((pl.col("code") == code) & (pl.col("received") != received))["received"].to_numpy()
        is_hit = (answers == received) & (drawn < share)
        given[is_hit] = variants[np.floor(drawn[is_hit] / share * len(variants)).astype(np.int64)]
    return texts.with_columns(pl.Series(variable, given, dtype=pl.String))


def _code_of(codebook: pl.DataFrame, variable: str, kind: str) -> str:
    codes = codebook.filter((pl.col("variable") == variable) & (pl.col("kind_of_missing") == kind))["received"]
    if codes.is_empty():
        raise ConfigurationError(f"generator.unanswered: the codebook lists no code of {variable} for {kind}")
    return str(codes[0])
