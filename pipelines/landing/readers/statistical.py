"""SPSS, Stata and SAS data sets, read by pyreadstat with their labels.

Missing values that the provider declared are kept as what was received: a code of SPSS as its number or text, an extended missing
of Stata or SAS as `.a` or `.R` (which makes its column text); only the system missing (`.`) is NULL. SPSS portable files do not
tell which codes are declared missing: they are kept as numbers all the same.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.landing.readers.delivered import Delivered, Refused
from pipelines.project.form import Form

NAMES = {
    ".sas7bdat": "SAS data set",
    ".sav": "SPSS file",
    ".zsav": "compressed SPSS file",
    ".por": "SPSS portable file",
    ".dta": "Stata file",
}
LABELLED = tuple(NAMES)
CATALOGUE = ".sas7bcat"


def read_statistical(path: Path, form: Form, beside: Path, name: str) -> Delivered:
    """Read the data set; `beside` and `name` are of the delivered file, which a catalogue of SAS may stand beside."""
    import pyreadstat

    suffix = path.suffix.lower()
    readers: Mapping[str, Callable[..., Any]] = {
        ".sas7bdat": pyreadstat.read_sas7bdat,
        ".sav": pyreadstat.read_sav,
        ".zsav": pyreadstat.read_sav,
        ".por": pyreadstat.read_por,
        ".dta": pyreadstat.read_dta,
    }
    options: dict[str, Any] = {} if suffix == ".por" else {"user_missing": True, "encoding": declared_encoding(form)}
    frame, meta = call_pyreadstat(NAMES[suffix], readers[suffix], path, options)
    expected = meta.number_rows
    if expected is not None and expected != frame.height:
        raise Refused(f"a cut {NAMES[suffix]} ({frame.height:,} of {expected:,} records)", "Fetch it again")
    labels = meta.variable_value_labels
    if suffix == ".sas7bdat":
        labels = _labels_of_catalogue(_catalogue(form, beside, name), meta.variable_to_label)
    return delivered_by(frame, meta, labels)


def call_pyreadstat(what: str, read: Callable[..., Any], path: Path, options: Mapping[str, Any]) -> tuple[pl.DataFrame, Any]:
    """Frame and metadata by a function of pyreadstat; raises Refused where the file is damaged."""
    import pyreadstat

    try:
        return _read_with_tags(read, str(path), options)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError) as error:  # the text may hold content
        if "encod" in str(error) or "convert" in str(error):
            raise Refused(
                f"a {what} with text of another encoding than it says", "Declare `form: {encoding: cp1252}`, or what it is"
            ) from None
        raise Refused(f"a cut or damaged {what} ({type(error).__name__})", "Fetch it again") from None
    except MemoryError:
        raise
    except Exception as error:
        raise Refused(f"a cut or damaged {what} ({type(error).__name__})", "Fetch it again") from None


def _read_with_tags(read: Callable[..., Any], path: str, options: Mapping[str, Any]) -> tuple[pl.DataFrame, Any]:
    """The frame with tagged missing values as text; dates with tags are read twice, because pyreadstat cannot mix them."""
    plain = {**options, "user_missing": False} if options else {}
    try:
        frame, meta = read(path, output_format="polars", **options)
    except (TypeError, pl.exceptions.PolarsError):
        if not options:
            raise
        frame, meta = read(path, output_format="polars", disable_datetime_conversion=True, **options)
        dates, _ = read(path, output_format="polars", **plain)
        return dates.with_columns(_tagged(frame[name], dates[name]) for name in meta.missing_user_values), meta
    return frame.with_columns(_tagged(frame[name]) for name in meta.missing_user_values), meta


def _tagged(values: pl.Series, dates: pl.Series | None = None) -> pl.Series:
    """A column of numbers and tags as text: 7 as `7`, a tag as `.a`."""
    read = values.to_list()
    others = dates.to_list() if dates is not None else read
    texts = [f".{value}" if isinstance(value, str) else _as_text(other) for value, other in zip(read, others, strict=True)]
    return pl.Series(values.name, texts, pl.String)


def _as_text(value: object) -> str | None:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)


def delivered_by(frame: pl.DataFrame, meta: Any, labels: Mapping[str, Mapping[Any, str]]) -> Delivered:
    """What pyreadstat read, with a type for every column and labels that are text."""
    kinds = meta.readstat_variable_types
    untyped = [name for name, kind in frame.schema.items() if kind in (pl.Null, pl.Object)]
    frame = frame.with_columns(
        pl.col(name).cast(pl.String if kinds.get(name) == "string" else pl.Float64, strict=False) for name in untyped
    )
    tags = meta.missing_user_values
    return Delivered(
        frame,
        {name: label for name, label in meta.column_names_to_labels.items() if label},
        {
            variable: {
                _label_key(value, variable in tags or frame[variable].dtype != pl.String): text for value, text in texts.items()
            }
            for variable, texts in labels.items()
            if variable in frame.columns
        },
    )


def _label_key(value: object, is_number: bool) -> str:
    """A labelled value as `conform` and codebooks write it."""
    return f".{value}" if is_number and isinstance(value, str) else _as_text(value) or ""


def declared_encoding(form: Form) -> str | None:
    """The encoding for pyreadstat: none by default, because these files name their own."""
    return None if form.is_utf8 else form.encoding


def _catalogue(form: Form, beside: Path, name: str) -> Path | None:
    if form.catalogue:
        path = beside / form.catalogue
        if not path.is_file() or not path.resolve().is_relative_to(beside.resolve()):
            raise Refused(
                "no catalogue of value labels where `form` names one", "Deliver it beside the file, or correct its name"
            )
        return path
    stem = name.lower().partition(".")[0]
    return next(
        (path for path in sorted(beside.iterdir()) if path.name.lower() == stem + CATALOGUE and not path.is_symlink()), None
    )


def _labels_of_catalogue(path: Path | None, formats: Mapping[str, str]) -> Mapping[str, Mapping[Any, str]]:
    import pyreadstat

    if path is None:
        return {}
    _, meta = call_pyreadstat("SAS catalogue of value labels", pyreadstat.read_sas7bcat, path, {})
    return {variable: meta.value_labels[name] for variable, name in formats.items() if name in meta.value_labels}
