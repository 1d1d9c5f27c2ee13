"""One data set as pyreadstat reads it: raw numbers, display formats, labels and declared missing values, in the right letters.

A file that does not name its encoding is UTF-8 or says otherwise in its form: nothing is guessed. Text is decoded here, byte by
byte, wherever an encoding is declared or a letter may have several bytes, because the converters behind pyreadstat carry letters
of some encodings (Vietnamese and Hebrew marks, shift sequences) into the next value, and drop a letter that is cut in silence.
"""

import codecs
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
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

OF_SEVERAL_BYTES = ("utf", "gb", "big5", "euc", "shift_jis", "johab", "cp932", "cp936", "cp949", "cp950", "ms932")
"""How encodings are named whose letters may have several bytes, of which a field of fixed width may keep a part."""

CUT = ("unexpected end of data", "incomplete multibyte sequence")
"""What a decoder says of bytes that end within a letter."""

DECLARE = "Declare `form: {encoding: cp1252}`, or what it is (contract init: --encoding)"


@dataclass(frozen=True)
class DataSet:
    """Numbers are as they are stored; a column with extended missing values holds them as text beside its numbers.

    `formats`: column -> display format; `label_sets`: column -> name of its set of value labels; `missing`: column -> (lowest,
    highest) of what the file declares missing; `tags`: column -> its extended missing values, without the point; `n_cut`:
    column -> how many of its texts end within a letter.
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
    n_cut: Mapping[str, int] = field(default_factory=dict)


def read_data_set(what: str, read: Callable[..., Any], path: str, form: Form, *, named: str | None, **options: Any) -> DataSet:
    """Read by a function of pyreadstat; raises Refused where the file is damaged or its letters are not what is said.

    `named`: the encoding that the file names for its texts (BY_FILE where pyreadstat finds it), None for none; the form may
    correct it.
    """
    encoding = form.encoding
    if named and form.is_utf8:
        data = None if _is_decoded_here(named) else _parsed(what, read, path, options)
        if data and not (data.encoding and _is_decoded_here(data.encoding)):
            return data
        encoding = (data and data.encoding) or named
    letters = Letters.of(what, encoding, may_be_cut=bool(named) or not form.is_utf8)
    try:
        return _in_letters(_parsed(what, read, path, {**options, "encoding": BYTES}), letters)
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
        if "version" in str(error):
            raise Refused(f"{what} of a version that is not read", "Ask for it in a newer version, or as CSV") from None
        raise Refused(f"a cut or damaged {bare(what)}", "Fetch it again") from None
    except UnicodeDecodeError:
        raise Refused(f"{what} with text of another encoding than it says", DECLARE) from None
    except MemoryError:
        raise
    except Exception:
        raise Refused(f"a cut or damaged {bare(what)}", "Fetch it again") from None
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


def _is_decoded_here(encoding: str) -> bool:
    """Whether letters may have several bytes, or are held back by converters until the next one comes."""
    name = _codec(encoding) or encoding.lower()
    return name in CARRIES or name.startswith((*SHIFTING, *OF_SEVERAL_BYTES)) or "tcvn" in name


@dataclass(frozen=True)
class Letters:
    """How the bytes of a text become letters, and whether a text may end within one."""

    codec: str
    is_superset_of_ascii: bool
    may_be_cut: bool

    @classmethod
    def of(cls, what: str, encoding: str, may_be_cut: bool) -> "Letters":
        """Raises Refused where there is no such encoding."""
        codec = _codec(encoding)
        if codec is None:
            raise Refused(f"{what} in the encoding {encoding}, which is not read", "Ask for it in UTF-8")
        return cls(codec, _is_superset_of_ascii(encoding), may_be_cut)

    def text(self, value: Any) -> Any:
        """A text in its letters, anything else as it is; raises UnicodeError."""
        if not isinstance(value, str) or (self.is_superset_of_ascii and value.isascii()):
            return value
        read = value.encode("latin-1").decode(self.codec)
        return unicodedata.normalize("NFC", read) if self.codec in COMPOSED else read

    def label(self, value: Any) -> Any:
        """The same, without the part of a letter at its end: labels have a limit, and are no values."""
        return self._whole(value)[0]

    def column(self, values: pl.Series) -> tuple[pl.Series, int]:
        """The same of a column, and how many of its texts end within a letter; those keep what is whole."""
        read = [self._whole(value) for value in values.to_list()]
        return pl.Series(values.name, [text for text, _ in read], dtype=pl.String), sum(is_cut for _, is_cut in read)

    def _whole(self, value: Any) -> tuple[Any, bool]:
        try:
            return self.text(value), False
        except UnicodeDecodeError as error:
            if not (self.may_be_cut and error.reason in CUT):
                raise
            return value.encode("latin-1").decode(self.codec, errors="ignore"), True


def _is_superset_of_ascii(encoding: str) -> bool:
    letters = bytes(range(128))
    try:
        return letters.decode(encoding) == letters.decode("ascii") and not encoding.lower().startswith("utf-7")
    except UnicodeError:
        return False


def _in_letters(data: DataSet, letters: Letters) -> DataSet:
    """The same with every text decoded from its bytes."""
    text = letters.text

    def keyed(given: Mapping[str, Any]) -> dict[str, Any]:
        return {text(name): value for name, value in given.items()}

    def labelled(given: Mapping[Any, str]) -> dict[Any, str]:
        return {text(value): letters.label(label) for value, label in given.items()}

    columns, n_cut = [], {}
    for values in data.frame.get_columns():
        name = text(values.name)
        if values.name in data.texts and not _is_plain(values, letters):
            values, n_cut[name] = letters.column(values)
        columns.append(values.alias(name))
    return replace(
        data,
        frame=pl.DataFrame(columns),
        texts=frozenset(map(text, data.texts)),
        labels=labelled(data.labels),
        value_labels={text(name): labelled(labels) for name, labels in data.value_labels.items()},
        label_sets={text(name): text(label_set) for name, label_set in data.label_sets.items()},
        sets={text(name): labelled(labels) for name, labels in data.sets.items()},
        formats=keyed(data.formats),
        missing={text(name): [(text(low), text(high)) for low, high in parts] for name, parts in data.missing.items()},
        tags=keyed(data.tags),
        n_cut={name: n for name, n in n_cut.items() if n},
    )


def _is_plain(values: pl.Series, letters: Letters) -> bool:
    """Whether there is nothing to decode: no text, or all of it ASCII."""
    is_ascii = values.dtype == pl.String and values.str.len_bytes().sum() == values.str.len_chars().sum()
    return values.dtype != pl.String or (letters.is_superset_of_ascii and is_ascii)
