"""One data set as pyreadstat reads it: raw numbers, display formats, labels and declared missing values, in the right letters.

A file that does not name its encoding is UTF-8 or says otherwise in its form: nothing is guessed. Text is decoded here, byte by
byte, wherever an encoding is declared, because the converters behind pyreadstat carry letters of some encodings (Vietnamese and
Hebrew marks, shift sequences) from one value into the next.
"""

import codecs
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from pipelines.landing.readers.delivered import Refused
from pipelines.landing.readers.names import COMPOSED
from pipelines.project.form import Form

BYTES = "ISO-8859-1"
"""The encoding in which every byte is the letter of its number."""

BY_FILE = "by the file"

CARRIES = {"cp1255", "cp1258", "tcvn", "big5hkscs", "euc_jisx0213", "euc_jis_2004", "shift_jisx0213", "shift_jis_2004"}
"""Encodings whose converters hold a letter back until the next one comes; those that shift are told by their names."""

SHIFTING = ("iso2022", "hz", "utf_7")

DECLARE = "Declare `form: {encoding: cp1252}`, or what it is (contract init: --encoding)"


@dataclass(frozen=True)
class DataSet:
    """Numbers are as they are stored; a column with extended missing values holds them as text beside its numbers.

    `formats`: column -> display format; `label_sets`: column -> name of its set of value labels; `missing`: column -> (lowest,
    highest) of what the file declares missing; `tags`: column -> its extended missing values, without the point.
    """

    frame: pl.DataFrame
    texts: frozenset[str]
    labels: Mapping[str, str]
    value_labels: Mapping[str, Mapping[Any, str]]
    label_sets: Mapping[str, str]
    sets: Mapping[str, Mapping[Any, str]]
    formats: Mapping[str, str | None]
    missing: Mapping[str, list[tuple[Any, Any]]]
    tags: Mapping[str, list[str]]
    n_records: int | None
    encoding: str | None


def read_data_set(what: str, read: Callable[..., Any], path: str, form: Form, *, named: str | None, **options: Any) -> DataSet:
    """Read by a function of pyreadstat; raises Refused where the file is damaged or its letters are not what is said.

    `named`: the encoding that the file names for its texts (BY_FILE where pyreadstat finds it), None for none; the form may
    correct it.
    """
    encoding = form.encoding
    if named and form.is_utf8:
        data = None if _carries(named) else _parsed(what, read, path, options)
        if data and not (data.encoding and _carries(data.encoding)):
            return data
        encoding = (data and data.encoding) or named
    letters = _decoder(what, encoding)
    try:
        return _in_letters(_parsed(what, read, path, {**options, "encoding": BYTES}), letters, _is_superset_of_ascii(encoding))
    except UnicodeError:
        if named and form.is_utf8:
            raise Refused(f"{what} with text of another encoding than it says", DECLARE) from None
        if form.is_utf8:
            raise Refused(f"{what} that does not name its encoding, with text that is not UTF-8", DECLARE) from None
        raise Refused(f"{what} with text that is not {form.encoding}", DECLARE) from None


def _parsed(what: str, read: Callable[..., Any], path: str, options: Mapping[str, Any]) -> DataSet:
    import pyreadstat

    try:
        frame, meta = read(path, output_format="polars", disable_datetime_conversion=True, **options)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError) as error:  # the text may hold content
        if "encod" in str(error) or "convert" in str(error):
            raise Refused(f"{what} with text of another encoding than it says", DECLARE) from None
        raise Refused(f"a cut or damaged {bare(what)} ({type(error).__name__})", "Fetch it again") from None
    except UnicodeDecodeError:
        raise Refused(f"{what} with text of another encoding than it says", DECLARE) from None
    except MemoryError:
        raise
    except Exception as error:
        raise Refused(f"a cut or damaged {bare(what)} ({type(error).__name__})", "Fetch it again") from None
    return _data_set(frame, meta)


def bare(what: str) -> str:
    """The name of a kind of file without its article."""
    return what.partition(" ")[2]


def _data_set(frame: pl.DataFrame, meta: Any) -> DataSet:
    kinds = meta.readstat_variable_types or {}
    return DataSet(
        frame=frame,
        texts=frozenset(name for name, kind in kinds.items() if kind == "string"),
        labels={name: label for name, label in (meta.column_names_to_labels or {}).items() if label},
        value_labels=meta.variable_value_labels or {},
        label_sets=meta.variable_to_label or {},
        sets=meta.value_labels or {},
        formats=meta.original_variable_types or {},
        missing={name: [(part["lo"], part["hi"]) for part in parts] for name, parts in (meta.missing_ranges or {}).items()},
        tags={name: sorted(map(str, tags)) for name, tags in (meta.missing_user_values or {}).items()},
        n_records=meta.number_rows,
        encoding=meta.file_encoding,
    )


def _codec(encoding: str) -> str | None:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return None


def _carries(encoding: str) -> bool:
    name = _codec(encoding) or encoding.lower()
    return name in CARRIES or name.startswith(SHIFTING) or "tcvn" in name


def _decoder(what: str, encoding: str) -> Callable[[str], str]:
    codec = _codec(encoding)
    if codec is None:
        raise Refused(f"{what} in the encoding {encoding}, which is not read", "Ask for it in UTF-8")
    if codec in COMPOSED:
        return lambda text: unicodedata.normalize("NFC", text.encode("latin-1").decode(codec))
    return lambda text: text.encode("latin-1").decode(codec)


def _is_superset_of_ascii(encoding: str) -> bool:
    letters = bytes(range(128))
    try:
        return letters.decode(encoding) == letters.decode("ascii") and not encoding.lower().startswith("utf-7")
    except UnicodeError:
        return False


def _in_letters(data: DataSet, letters: Callable[[str], str], skips_ascii: bool) -> DataSet:
    """The same with every text decoded from its bytes."""

    def text(value: Any) -> Any:
        return value if not isinstance(value, str) or (skips_ascii and value.isascii()) else letters(value)

    def keyed(given: Mapping[str, Any]) -> dict[str, Any]:
        return {text(name): value for name, value in given.items()}

    def labelled(given: Mapping[Any, str]) -> dict[Any, str]:
        return {text(value): text(label) for value, label in given.items()}

    columns = [
        _decoded(column, text, skips_ascii) if column.name in data.texts else column.alias(text(column.name))
        for column in data.frame.get_columns()
    ]
    return replace(
        data,
        frame=pl.DataFrame(columns),
        texts=frozenset(map(text, data.texts)),
        labels=labelled(data.labels),
        value_labels={text(name): labelled(labels) for name, labels in data.value_labels.items()},
        label_sets=labelled(data.label_sets),
        sets={text(name): labelled(labels) for name, labels in data.sets.items()},
        formats=keyed(data.formats),
        missing={text(name): [(text(low), text(high)) for low, high in parts] for name, parts in data.missing.items()},
        tags=keyed(data.tags),
    )


def _decoded(column: pl.Series, text: Callable[[Any], Any], skips_ascii: bool) -> pl.Series:
    name = text(column.name)
    if column.dtype != pl.String or (skips_ascii and column.str.len_bytes().sum() == column.str.len_chars().sum()):
        return column.alias(name)
    return pl.Series(name, [text(value) for value in column.to_list()], dtype=pl.String)
