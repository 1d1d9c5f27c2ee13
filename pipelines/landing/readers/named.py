"""Which names of files are readable. What is in them is another matter."""

from pathlib import Path

from pipelines.landing.readers.delivered import Refused
from pipelines.landing.readers.statistical import LABELLED
from pipelines.landing.readers.unpack import PACKED
from pipelines.project.form import SEPARATORS

WORKBOOKS = (".xlsx", ".xlsm", ".ods")
TELLS_NO_FORMULAS = (".xls", ".xlsb")
"""Workbooks of which the library does not tell whether a value was computed by a formula, and may be stale."""

READABLE = frozenset({*SEPARATORS, *WORKBOOKS, *LABELLED, ".xpt", ".parquet"})


def extension_fault(path: Path) -> Refused | None:
    """Why no reader reads a file of this name; None where one does."""
    suffix = path.suffix.lower()
    if suffix in TELLS_NO_FORMULAS:
        return Refused(f"a file named *{suffix}, which does not tell values from formulas", "Save it as .xlsx, with values only")
    inner = Path(path.stem).suffix.lower() if suffix in PACKED and suffix != ".zip" else suffix
    if inner in READABLE or inner == ".zip" == suffix:
        return None
    known = ", ".join(sorted(READABLE))
    return Refused(
        f"a file named *{''.join(path.suffixes[-2:])}", f"Deliver one of {known}, or one of them as {', '.join(PACKED)}"
    )
