"""Packed deliveries: one file is decompressed into a folder of its own, never more than the limit, under a name of our own."""

import bz2
import gzip
import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from pipelines.landing.readers.delivered import Refused, RefusedHere, shown
from pipelines.landing.readers.limits import Limits, in_bytes
from pipelines.landing.readers.names import composed, name_hint
from pipelines.project.form import path_fault

PACKED = (".gz", ".xz", ".bz2", ".zip")
ARCHIVES = (*PACKED, ".7z", ".rar", ".tar", ".tgz")
CHUNK_BYTES = 2**20
ENCRYPTED = 0x1
"""The bit of a ZIP member's flags that says it needs a password."""

METHODS = {1: "Shrink", 6: "Implode", 9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd", 99: "AES encryption"}
READABLE_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)

PARTS_OF_OFFICE = ("[Content_Types].xml", "content.xml")

BESIDE_THE_MEMBERS = ("__MACOSX/",)
"""Folders that an operating system adds by itself."""

BESIDE_A_MEMBER = "._"
"""How the name begins of what macOS keeps beside a file."""

DAMAGE = (EOFError, OSError, ValueError, NotImplementedError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


def unpack(path: Path, member: str | None, limits: Limits, folder: Path, readable: Collection[str]) -> Path:
    """Decompress the file, or the one member of a ZIP archive that is readable or named, into `folder`; raises Refused."""
    suffix = path.suffix.lower()
    try:
        with ExitStack() as stack:
            if suffix == ".zip":
                archive = stack.enter_context(zipfile.ZipFile(path))
                info = _the_member(archive, member, limits, readable)
                pieces = _pieces(archive.open(info))
                target = folder / f"unpacked{Path(info.filename).suffix.lower()}"
            else:
                pieces = OPENERS[suffix](path)
                target = folder / f"unpacked{Path(path.stem).suffix.lower()}"
            _copy(pieces, target, limits)
    except DAMAGE:  # the text may hold content
        raise Refused(f"a cut or damaged {suffix[1:]} file", "Fetch or pack it again") from None
    if target.stat().st_size == 0:
        raise Refused("an empty file, packed", "Fetch or pack it again")
    return target


Decompressor = bz2.BZ2Decompressor | lzma.LZMADecompressor


def _streams(path: Path, new: Callable[[], Decompressor]) -> Iterator[bytes]:
    """What one or several streams of bzip2 or xz hold; raises EOFError or OSError where one is cut or is none.

    The library itself stops in silence where no further stream begins, whatever stands there.
    """
    with path.open("rb") as file:
        rest = file.read(CHUNK_BYTES)
        while rest:
            decompressor = new()
            while not decompressor.eof:
                if decompressor.needs_input and not rest and not (rest := file.read(CHUNK_BYTES)):
                    raise EOFError
                piece, rest = decompressor.decompress(rest, CHUNK_BYTES), b""
                yield piece
            rest = _without_padding(decompressor.unused_data, file)


def _without_padding(rest: bytes, file: IO[bytes]) -> bytes:
    """What follows, without NUL bytes before it; empty at the end of the file."""
    while not (begun := rest.lstrip(b"\0")):
        rest = file.read(CHUNK_BYTES)
        if not rest:
            return b""
    return begun


def _pieces(stream: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    with stream:
        while piece := stream.read(CHUNK_BYTES):
            yield piece


OPENERS: Mapping[str, Callable[[Path], Iterator[bytes]]] = {
    ".gz": lambda path: _pieces(gzip.GzipFile(path)),
    ".xz": lambda path: _streams(path, lzma.LZMADecompressor),
    ".bz2": lambda path: _streams(path, bz2.BZ2Decompressor),
}


def _copy(pieces: Iterable[bytes], target: Path, limits: Limits) -> None:
    written = 0
    with target.open("wb") as file:
        for piece in pieces:
            written += len(piece)
            if written > limits.decompressed:
                break
            file.write(piece)
    if written > limits.decompressed:
        target.unlink()
        raise too_large(limits)


def too_large(limits: Limits) -> RefusedHere:
    return RefusedHere(
        f"a file that decompresses to more than {in_bytes(limits.decompressed)}",
        "If that is right, raise CRAMP_ATLAS_READER_DECOMPRESSED_LIMIT",
    )


def _the_member(archive: zipfile.ZipFile, wanted: str | None, limits: Limits, readable: Collection[str]) -> zipfile.ZipInfo:
    entries = archive.infolist()
    if len(entries) > limits.members:
        raise RefusedHere(
            f"a ZIP archive of {len(entries):,} members where {limits.members:,} are allowed",
            "Deliver what is needed alone, or raise CRAMP_ATLAS_READER_MEMBER_LIMIT",
        )
    faults = {fault for entry in entries if (fault := path_fault(entry.orig_filename))}
    if faults:
        raise Refused(f"a ZIP archive with a member whose name {min(faults)}", "Pack it again, and ask where it comes from")
    files = [entry for entry in entries if not entry.is_dir() and not _is_beside(entry.filename)]
    if wanted:
        found = [entry for entry in files if composed(entry.filename) == composed(wanted)]
        if len(found) != 1:
            hint = "" if found else name_hint(wanted, [entry.filename for entry in files])
            raise Refused(f"a ZIP archive with {len(found)} members of the declared name{hint}", _name_one(files))
    else:
        found = [entry for entry in files if _suffix(entry) in readable]
        if not found and any(entry.filename in PARTS_OF_OFFICE for entry in files):
            raise Refused("an Office file under the name *.zip", "Name it .xlsx or .ods, if it is a workbook")
        if not found and any(_suffix(entry) in ARCHIVES for entry in files):
            raise Refused("an archive inside an archive", "Pack it once")
        if len(found) != 1:
            raise Refused(f"a ZIP archive with {len(found)} readable members", _name_one(found or files))
    [entry] = found
    if _suffix(entry) not in readable:
        again = _suffix(entry) in ARCHIVES
        raise Refused(
            "an archive inside an archive" if again else "a member that no reader reads", "Pack the data file itself, once"
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise Refused("a ZIP member that is a link", "Pack the file itself")
    if entry.flag_bits & ENCRYPTED:
        raise Refused("a ZIP archive with a password", "Deliver it without one, over a channel that is safe")
    check_method(entry)
    return entry


def _is_beside(name: str) -> bool:
    return name.startswith(BESIDE_THE_MEMBERS) or name.rpartition("/")[2].startswith(BESIDE_A_MEMBER)


def check_method(entry: zipfile.ZipInfo) -> None:
    """Raises Refused where a member is packed by a method that is not read."""
    if entry.compress_type not in READABLE_METHODS:
        method = METHODS.get(entry.compress_type, f"number {entry.compress_type}")
        raise Refused(f"a ZIP archive that is packed with the method {method}", "Pack it again with Deflate")


def _suffix(entry: zipfile.ZipInfo) -> str:
    return Path(entry.filename).suffix.lower()


def _name_one(entries: list[zipfile.ZipInfo]) -> str:
    listed = ", ".join(shown(entry.filename) for entry in entries[:5]) or "none"
    return f"Deliver one data file, or declare `form: {{member: NAME}}` in the source's file; the first members are: {listed}"
