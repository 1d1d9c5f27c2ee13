"""SAS transport files (.xpt), of version 5 and 8."""

from pathlib import Path

from pipelines.readers.delivered import Delivered, Refused
from pipelines.readers.form import Form
from pipelines.readers.statistical import call_pyreadstat, declared_encoding, delivered_by

XPT_RECORD_BYTES = 80
XPT_HEADERS = (b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!", b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!")
"""How a SAS transport file begins (versions 5 and 8)."""

WEB_PAGES = (b"<!doctype", b"<html", b"<?xml")


def read_transport(path: Path, form: Form) -> Delivered:
    """Float64, String and date columns.

    A file that was cut between two of its records cannot be told from a whole one: compare the number of rows with the source's.
    Special missing values (.A to .Z, ._) are NULL, because the library reads them so.
    """
    import pyreadstat

    with path.open("rb") as file:
        start = file.read(XPT_RECORD_BYTES)
    if not start.startswith(XPT_HEADERS):
        kind = "a web page" if start.lstrip().lower().startswith(WEB_PAGES) else "no SAS transport file"
        raise Refused(kind, "Fetch it again and look at what the server sends")
    excess = path.stat().st_size % XPT_RECORD_BYTES
    if excess:
        raise Refused(f"a cut SAS transport file (its last record has {excess} of {XPT_RECORD_BYTES} bytes)", "Fetch it again")
    options = {"encoding": declared_encoding(form)}
    frame, meta = call_pyreadstat("SAS transport file", pyreadstat.read_xport, path, options)
    return delivered_by(frame, meta, {})
