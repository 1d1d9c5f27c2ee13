"""What is guessed of a delivered file's form, and nobody told: decimal mark, encoding, separator, with the evidence."""

import re
from collections.abc import Iterator
from itertools import pairwise

import polars as pl

from pipelines.authoring.doubts import ANSWERS, GROUPED
from pipelines.authoring.shapes import shapes, texts_of
from pipelines.landing.readers.sniffing import COMMA_NUMBER
from pipelines.project.form import Form


def mark_in(values: pl.Series, decimal: str, is_guessed: bool) -> str:
    """The decimal mark of a column: a guessed comma only where a comma in the column can be nothing else, or there is none."""
    if not is_guessed or decimal != "," or has_decimal_commas(values):
        return decimal
    return "." if any("," in text for text in texts_of(values)) else decimal


def guesses_of_form(frame: pl.DataFrame, form: Form, told: Form) -> list[str]:
    """What is guessed of a file's form and nobody told, one line each with its evidence."""
    return list(_guesses(frame, form, told))


def _guesses(frame: pl.DataFrame, form: Form, told: Form) -> Iterator[str]:
    texts = [text for values in frame for text in texts_of(values)]
    if form.encoding != told.encoding and not form.encoding.startswith("utf"):
        beyond = [text for text in [*frame.columns, *texts] if not text.isascii()]
        yield (
            f"encoding: the file is not UTF-8, and {form.encoding} is a guess; with it, texts have the shapes {shapes(beyond)}. "
            "If these are no words, it is another: Polish and Czech files are often cp1250, Cyrillic cp1251, Greek cp1253, "
            "Turkish cp1254, Baltic cp1257, Japanese shift_jis, Chinese gb18030 or big5, Korean euc_kr. Draft it again with "
            "--encoding"
        )
    if form.decimal != told.decimal:
        commas = [text for values in frame if has_decimal_commas(values) for text in texts_of(values) if "," in text]
        yield f"decimal: a comma is a guess, from numbers of the shapes {shapes(commas)}"
    if frame.width == 1 and form.separator is None and (mark := _mark_of_fields(frame.to_series())):
        remedy = "ask for commas in its place" if mark == " " else "draft it again with --separator"
        yield f"separator: one column, and each line has as many `{mark}` as the first: if that separates fields, {remedy}"


def _mark_of_fields(values: pl.Series) -> str:
    """A sign that the name and every text of a column hold equally often; empty where there is none."""
    texts = texts_of(values)
    signs = dict.fromkeys(sign for sign in values.name if not sign.isalnum() and sign.isprintable() and sign not in "_.-")
    return next((sign for sign in signs if texts and all(text.count(sign) == values.name.count(sign) for text in texts)), "")


def has_decimal_commas(values: pl.Series) -> bool:
    """Whether a comma can only be the decimal mark in this column: in no field may it group digits or separate answers."""
    texts = [text for text in texts_of(values) if "," in text]
    return bool(texts) and all(COMMA_NUMBER.fullmatch(text) for text in texts) and any(map(_is_decimal_alone, texts))


def _is_decimal_alone(text: str) -> bool:
    return not GROUPED.fullmatch(text) and not _is_ascending(text)


def _is_ascending(text: str) -> bool:
    """Whether it may be a list of codes, as a question with several answers gives it: 1,3 but not 3,0 or 170,5."""
    if not ANSWERS.fullmatch(text):
        return False
    codes = [int(code) for code in re.split("[^0-9]+", text)]
    return all(code < after for code, after in pairwise(codes)) and not re.search(r"[^0-9]0[0-9]", text)
