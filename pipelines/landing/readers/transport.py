"""SAS transport files (.xpt), of version 5 and 8."""

from pathlib import Path
from typing import Any

from pipelines.landing.readers.delivered import Delivered, Refused
from pipelines.landing.readers.statistical import call_pyreadstat, declared_encoding, delivered_by
from pipelines.project.form import Form

XPT_RECORD_BYTES = 80
XPT_HEADERS = (b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!", b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!")
"""How a SAS transport file begins (versions 5 and 8)."""

WEB_PAGES = (b"<!doctype", b"<html", b"<?xml")


def read_transport(path: Path, form: Form) -> Delivered:
    """Float64, String and date columns.

    A file that was cut between two of its records cannot be told from a whole one: compare the number of rows with the source's.
    Special missing values are kept as codes, as `statistical` says.
    """
    with path.open("rb") as file:
        start = file.read(XPT_RECORD_BYTES)
    if not start.startswith(XPT_HEADERS):
        kind = "a web page" if start.lstrip().lower().startswith(WEB_PAGES) else "no SAS transport file"
        raise Refused(kind, "Fetch it again and look at what the server sends")
    excess = path.stat().st_size % XPT_RECORD_BYTES
    if excess:
        raise Refused(f"a cut SAS transport file (its last record has {excess} of {XPT_RECORD_BYTES} bytes)", "Fetch it again")
    options = {"encoding": declared_encoding(form), "user_missing": True}
    frame, meta = call_pyreadstat("SAS transport file", _read_xport, path, options)
    return delivered_by(frame, meta, {})


def _read_xport(path: str, **options: Any) -> Any:
    """`pyreadstat.read_xport` with `user_missing`, which the function itself does not take, but the parser behind it does."""
    from pyreadstat.pyreadstat import parser_entry_point  # type: ignore[attr-defined]

    return parser_entry_point(path, "xport", **options)
