"""What stands in a text file or sheet that is neither names nor records: hints, comments, labels, separators too many."""

import re
from collections.abc import Iterable, Sequence

import polars as pl

from pipelines.landing.readers.delivered import Refused

SEPARATOR_HINT = re.compile(r'"?sep=(?P<separator>.?)"?\s*', re.IGNORECASE)
COMMENT = "#"
WITHOUT_COMMENTS = "Remove the lines of comment: the names of the columns stand in the first line, and records in all others"

SEPARATOR_AT_END = "Remove the separator at the end of every line, or give the last column a name"

QUALTRICS_MARK = '{"ImportId"'
SURVEY_MONKEY_LABEL = "Open-Ended Response"


def check_first_lines(lines: Sequence[str], separator: str) -> None:
    """Raises Refused where the first line is Excel's `sep=` or a comment."""
    first = lines[0] if lines else ""
    hint = SEPARATOR_HINT.fullmatch(first)
    if hint:
        other = hint["separator"] not in ("", separator)
        declared = f', and declare `form: {{separator: "{hint["separator"]}"}}`' if other else ""
        raise Refused("a first line that is Excel's `sep=` hint, not the names of the columns", f"Remove that line{declared}")
    if first.lstrip().startswith(COMMENT) and len(lines) > 1 and _is_header(lines[1], first, separator):
        raise Refused("a comment in the first line, not the names of the columns", WITHOUT_COMMENTS)


def _is_header(second: str, first: str, separator: str) -> bool:
    """Whether the line below a first one with # is the header, or a comment as well: other fields, or no number in any."""
    fields = second.split(separator)
    if second.startswith(COMMENT) or len(fields) != len(first.split(separator)):
        return True
    return first.lstrip().startswith(f"{COMMENT} ") and not any(re.search("[0-9]", field) for field in fields)


def check_names(names: Sequence[str], separator: str) -> None:
    """Raises Refused where columns have no name: a separator too many, or row names of R."""
    unnamed = [position for position, name in enumerate(names, start=1) if not name.strip().strip("\ufeff")]
    if not unnamed:
        return
    if unnamed == [len(names)]:
        raise Refused(
            f"a first line that ends with a separator ({_shown(separator)}), so that its last column has no name",
            SEPARATOR_AT_END,
        )
    if unnamed == [1]:
        raise Refused(
            "a first column without a name, as R and pandas write the names of rows",
            "Write it without them (R: row.names = FALSE; pandas: index=False), or give the column a name",
        )
    listed = ", ".join(map(str, unnamed[:5]))
    raise Refused(f"{len(unnamed):,} of {len(names):,} columns without a name (column {listed})", "Give each column a name")


def check_record_ends(records: Iterable[Sequence[str]], n_names: int, separator: str, first_line: int) -> None:
    """Raises Refused where a record has one field more than the header, and nothing in it."""
    for number, record in enumerate(records, start=first_line):
        if len(record) == n_names + 1 and record[-1] == "":
            raise Refused(
                f"text in line {number:,} with {len(record)} fields where the header has {n_names}: it ends with a separator "
                f"({_shown(separator)})",
                SEPARATOR_AT_END,
            )


def fault_of_line(line: str, separator: str, n_expected: int, n_found: int) -> tuple[str, str] | None:
    """Why a line has not as many fields as the header, and what to do, where its ends tell; follows `text in line 3`."""
    if line.lstrip().startswith(COMMENT):
        return "that begins with #, as a comment does", WITHOUT_COMMENTS
    if n_found == n_expected + 1 and re.match(r'"[^"]*"', line):
        return (
            f"with {n_found} fields where the header has {n_expected}: the first may be a name of the row, as R writes it",
            "Write it without names of rows (R: row.names = FALSE), or double the quotes inside fields",
        )
    return None


def remedy_for_counts(n_expected: int, n_found: int, separator: str) -> str:
    """What to do about a line with another number of fields than the header, where the line itself does not tell."""
    if n_expected == 1:
        return "If the first line is a title, remove it, so that the names of the columns stand first; else declare the separator"
    if n_found > n_expected:
        return (
            f"Put quotes around fields that hold a separator ({_shown(separator)}), or declare the separator in the source's file"
        )
    return "Give each line all of its fields, and remove what is no record (notes, totals, sources)"


def check_label_lines(frame: pl.DataFrame) -> None:
    """Raises Refused where the first records are labels of the columns, as exports of survey programs have them."""
    for number, record in enumerate(frame.head(2).iter_rows()):
        if any(isinstance(value, str) and value.lstrip().startswith(QUALTRICS_MARK) for value in record):
            raise Refused(
                f"labels below the names of the columns, as Qualtrics exports them (lines 2 to {number + 2} are no records)",
                f"Remove {'that line' if number == 0 else 'these lines'}, or export without them",
            )
    first = [str(value) for value in (frame.row(0) if frame.height else ()) if value is not None]
    if SURVEY_MONKEY_LABEL in first and not any(re.search("[0-9]", value) for value in first):
        raise Refused(
            "labels below the names of the columns, as SurveyMonkey exports them (line 2 is no record)", "Remove that line"
        )


def _shown(separator: str) -> str:
    return "tab" if separator == "\t" else separator
