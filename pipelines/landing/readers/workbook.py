"""What workbooks of both kinds have in common: an archive of XML parts, bounded and without entities."""

import posixpath
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from xml.etree.ElementTree import Element, iterparse
from xml.parsers import expat

from pipelines.landing.readers.delivered import Refused
from pipelines.landing.readers.limits import Limits
from pipelines.landing.readers.unpack import CHUNK_BYTES, check_method, too_large

REMEDY = "Save it again, or deliver the sheet as CSV"

HEAD_BYTES = 2**12

OnStart = Callable[[str, dict[str, str]], object]


def check_size(archive: zipfile.ZipFile, limits: Limits) -> None:
    """What the workbook decompresses to, counted by decompressing it."""
    entries = archive.infolist()
    if len(entries) > limits.members:
        raise Refused(f"a workbook of {len(entries):,} parts where {limits.members:,} are allowed", REMEDY)
    size = 0
    for entry in entries:
        check_method(entry)
        with archive.open(entry) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                size += len(chunk)
                if size > limits.decompressed:
                    raise too_large(limits)


def parse(
    archive: zipfile.ZipFile,
    part: str,
    on_start: OnStart,
    on_end: Callable[[str], object] | None = None,
    on_text: Callable[[str], object] | None = None,
) -> None:
    """Call `on_start` with the local name and attributes of each element. A document that declares entities is refused."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda tag, given: on_start(tag.rpartition(":")[2], given)
    if on_end:
        parser.EndElementHandler = lambda tag: on_end(tag.rpartition(":")[2])
    if on_text:
        parser.CharacterDataHandler = on_text
    parser.EntityDeclHandler = _no_entities
    with archive.open(member(archive, part)) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            parser.Parse(chunk, False)
    parser.Parse(b"", True)


def elements(archive: zipfile.ZipFile, part: str, wanted: Collection[str]) -> Iterator[tuple[str, Element]]:
    """The elements of these local names when they end, each with its name; one that was looked at is emptied."""
    parse_head(archive, part)
    names: dict[str, str] = {}
    with archive.open(member(archive, part)) as stream:
        for _, element in iterparse(stream, ("end",)):
            name = names.get(element.tag)
            if name is None:
                name = names[element.tag] = element.tag.rpartition("}")[2]
            if name in wanted:
                yield name, element
                element.clear()


def parse_head(archive: zipfile.ZipFile, part: str) -> None:
    """Refuse a document that declares entities; declarations stand before the first element."""
    parser = expat.ParserCreate()
    begun: list[str] = []
    parser.StartElementHandler = lambda tag, _: begun.append(tag)
    parser.EntityDeclHandler = _no_entities
    with archive.open(member(archive, part)) as stream:
        while not begun and (chunk := stream.read(HEAD_BYTES)):
            parser.Parse(chunk, False)


def local_name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def member(archive: zipfile.ZipFile, part: str) -> str:
    """The member of that name, whatever its letter case: parts are named without regard to it."""
    names = archive.namelist()
    return part if part in names else next((name for name in names if name.lower() == part.lower()), part)


def has(archive: zipfile.ZipFile, part: str) -> bool:
    return member(archive, part) in archive.namelist()


def resolved(folder: str, target: str) -> str:
    """The part that a relation of a part in `folder` leads to."""
    return posixpath.normpath(posixpath.join("/", folder, target)).removeprefix("/")


def attribute(given: Mapping[str, str], name: str) -> str:
    """An attribute whatever its namespace prefix."""
    return next((value for key, value in given.items() if key.rpartition(":")[2] == name), "")


def _no_entities(*_: object) -> None:
    raise Refused("a workbook that declares XML entities, which no spreadsheet program writes", "Ask where it comes from")
