"""One data set as pyreadstat reads it: raw numbers, display formats, labels and declared missing values, in the right letters.

A file that does not name its encoding is UTF-8 or says otherwise in its form: nothing is guessed. Text is decoded here, byte by
byte, wherever an encoding is declared or a letter may have several bytes, because the converters behind pyreadstat carry letters
of some encodings (Vietnamese and Hebrew marks, shift sequences) into the next value, and drop a letter that is cut in silence.
"""

import codecs
import unicodedata
from collections import Counter
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

CUT_TEXT = "end within a letter: cut, or of another encoding than is said"

DECLARE = "Declare `form: {encoding: cp1252}`, or what it is (contract init: --encoding)"


@dataclass(frozen=True)
class DataSet:
    """Numbers are as they are stored; a column with extended missing values holds them as text beside its numbers.

    `formats`: column -> display format; `label_sets`: column -> name of its set of value labels; `missing`: column -> (lowest,
    highest) of what the file declares missing; `tags`: column -> its extended missing values, without the point;
    `text_faults`: column -> what is wrong with its texts.
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
    text_faults: Mapping[str, str] = field(default_factory=dict)


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
    letters = Letters.of(what, encoding, is_said=bool(named) or not form.is_utf8)
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
        if "allocate memory" in str(error):
            raise MemoryError from None
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


@dataclass
class Letters:
    """How the bytes of a text become letters, and whether a text may end within one, or hold a byte that is none.

    `n_read`, `n_wrong`: texts beyond ASCII that were read so far, and those with a byte that is no letter.
    """

    codec: str
    is_superset_of_ascii: bool
    is_said: bool
    n_read: int = 0
    n_wrong: int = 0

    @classmethod
    def of(cls, what: str, encoding: str, *, is_said: bool) -> "Letters":
        """Raises Refused where there is no such encoding."""
        codec = _codec(encoding)
        if codec is None:
            raise Refused(f"{what} in the encoding {encoding}, which is not read", "Ask for it in UTF-8")
        return cls(codec, _is_superset_of_ascii(encoding), is_said)

    def text(self, value: Any) -> Any:
        """A text in its letters, anything else as it is; raises UnicodeError."""
        if not isinstance(value, str) or (self.is_superset_of_ascii and value.isascii()):
            return value
        read = value.encode("latin-1").decode(self.codec)
        return unicodedata.normalize("NFC", read) if self.codec in COMPOSED else read

    def label(self, value: Any) -> Any:
        """The same, without the part of a letter at its end and with a mark for what is none: labels are no values."""
        return self._whole(value)[0]

    def column(self, values: pl.Series) -> tuple[pl.Series, str]:
        """The same of a column, and what is wrong with its texts: they end within a letter, or hold what is none."""
        read = [self._whole(value) for value in values.to_list()]
        faults = Counter(fault for _, fault in read if fault)
        words = ", ".join(f"{n:,} texts that {fault}" for fault, n in sorted(faults.items()))
        return pl.Series(values.name, [text for text, _ in read], dtype=pl.String), words

    def check(self) -> None:
        """Raises UnicodeError where there is what is no letter, and no text that shows that the encoding is right."""
        if self.n_wrong and not self.n_read:
            raise UnicodeError("of another encoding")

    def _whole(self, value: Any) -> tuple[Any, str]:
        try:
            text = self.text(value)
        except UnicodeDecodeError as error:
            if not self.is_said:
                raise
            if error.reason in CUT:
                return value.encode("latin-1").decode(self.codec, errors="ignore"), CUT_TEXT
            self.n_wrong += 1
            return value.encode("latin-1").decode(self.codec, errors="replace"), f"are not {self.codec}"
        self.n_read += isinstance(value, str) and not value.isascii()
        return text, ""


def _is_superset_of_ascii(encoding: str) -> bool:
    letters = bytes(range(128))
    try:
        return letters.decode(encoding) == letters.decode("ascii") and not encoding.lower().startswith("utf-7")
    except UnicodeError:
        return False


def _in_letters(data: DataSet, letters: Letters) -> DataSet:
    """The same with every text decoded from its bytes."""
    text, label = letters.text, letters.label

    def keyed(given: Mapping[str, Any]) -> dict[str, Any]:
        return {text(name): value for name, value in given.items()}

    def labelled(given: Mapping[Any, str]) -> dict[Any, str]:
        return {label(value): label(meaning) for value, meaning in given.items()}

    columns, faults = [], {}
    for values in data.frame.get_columns():
        name = text(values.name)
        if values.name in data.texts and not _is_plain(values, letters):
            values, faults[name] = letters.column(values)
        columns.append(values.alias(name))
    read = replace(
        data,
        frame=pl.DataFrame(columns),
        texts=frozenset(map(text, data.texts)),
        labels={text(name): label(meaning) for name, meaning in data.labels.items()},
        value_labels={text(name): labelled(labels) for name, labels in data.value_labels.items()},
        label_sets={text(name): text(label_set) for name, label_set in data.label_sets.items()},
        sets={text(name): labelled(labels) for name, labels in data.sets.items()},
        formats=keyed(data.formats),
        missing={text(name): [(label(low), label(high)) for low, high in parts] for name, parts in data.missing.items()},
        tags=keyed(data.tags),
        text_faults={name: fault for name, fault in faults.items() if fault},
    )
    letters.check()
    return read


def _is_plain(values: pl.Series, letters: Letters) -> bool:
    """Whether there is nothing to decode: no text, or all of it ASCII."""
    is_ascii = values.dtype == pl.String and values.str.len_bytes().sum() == values.str.len_chars().sum()
    return values.dtype != pl.String or (letters.is_superset_of_ascii and is_ascii)
