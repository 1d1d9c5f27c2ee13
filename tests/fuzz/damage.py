"""Ways to damage a file: bits, cuts, chunks, numbers at their extremes, random bytes behind the right beginning, odd text."""

import io
import zipfile
from collections.abc import Callable

from hypothesis import strategies as st

from tests.landing.readers.samples import MARKER

MAGIC_BYTES = 48
EXTREMES = [
    b"\0",
    b"\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\x80",
    b"\xff" * 8,
    b"\0" * 16,
    b"\0\0\0\0\0\0\xf0\x7f",
]

Damage = Callable[[bytes], bytes]


def _flip(position: int, bit: int) -> Damage:
    def damage(content: bytes) -> bytes:
        at = position % len(content)
        return content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :]

    return damage


def _cut(position: int) -> Damage:
    return lambda content: content[: position % len(content)] or content[:1]


def _overwrite(position: int, piece: bytes) -> Damage:
    def damage(content: bytes) -> bytes:
        at = position % len(content)
        return content[:at] + piece + content[at + len(piece) :]

    return damage


def _splice(position: int, piece: bytes) -> Damage:
    def damage(content: bytes) -> bytes:
        at = position % len(content)
        return content[:at] + piece + content[at:]

    return damage


def _repeat(position: int, length: int, times: int) -> Damage:
    def damage(content: bytes) -> bytes:
        at = position % len(content)
        return content[:at] + content[at : at + length] * times + content[at:]

    return damage


def _drop(position: int, length: int) -> Damage:
    def damage(content: bytes) -> bytes:
        at = position % len(content)
        return content[:at] + content[at + length :] or content[:1]

    return damage


POSITIONS = st.integers(0, 2**20) | st.integers(0, 2**10)

DAMAGES: st.SearchStrategy[Damage] = st.one_of(
    st.builds(_flip, POSITIONS, st.integers(0, 7)),
    st.builds(_cut, POSITIONS),
    st.builds(_overwrite, POSITIONS, st.sampled_from(EXTREMES) | st.binary(min_size=1, max_size=8)),
    st.builds(_splice, POSITIONS, st.sampled_from(EXTREMES) | st.binary(min_size=1, max_size=64)),
    st.builds(_repeat, POSITIONS, st.integers(1, 256), st.integers(1, 50)),
    st.builds(_drop, POSITIONS, st.integers(1, 64)),
)


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """The content after one to four damages, or its beginning before random bytes."""
    several = st.lists(DAMAGES, min_size=1, max_size=4).map(lambda damages: _apply(content, damages))
    random = st.binary(max_size=2048).map(lambda rest: content[:MAGIC_BYTES] + rest)
    return several | several | several | random


def damaged_inside(content: bytes) -> st.SearchStrategy[bytes]:
    """A ZIP archive whose members are damaged, and which is packed well again."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return st.sampled_from([name for name, inner in members.items() if inner]).flatmap(
        lambda name: damaged(members[name]).map(lambda inner: _zip({**members, name: inner}))
    )


def _apply(content: bytes, damages: list[Damage]) -> bytes:
    for damage in damages:
        content = damage(content)
    return content


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, inner in members.items():
            archive.writestr(name, inner)
    return buffer.getvalue()


FIELDS = st.one_of(
    st.sampled_from(
        [MARKER, f'"{MARKER}"', "", '""', '"', "1", "3,5", "1.234,5", "=1+1", f'"{MARKER}\n"', "\0", "\ufeff", "NULL", " "]
    ),
    st.text(max_size=8),
    st.text(max_size=8).map(lambda text: '"' + text.replace('"', '""') + '"'),
)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Something like separated text, with odd fields, separators, line ends and encodings."""
    separator = draw(st.sampled_from([",", ";", "\t", "|", ",,"]))
    ends = st.sampled_from(["\n", "\r\n", "\r", "\n\n"])
    usual = draw(ends)
    width = draw(st.integers(1, 4))
    lines = [separator.join(f"column{number}" for number in range(width))]
    for _ in range(draw(st.integers(0, 6))):
        n_fields = draw(st.sampled_from([width] * 6 + [1, width + 1]))
        lines.append(separator.join(draw(FIELDS) for _ in range(n_fields)))
    text = "".join(line + (usual if draw(st.integers(0, 9)) else draw(ends)) for line in lines)
    encoding = draw(st.sampled_from(["utf-8"] * 4 + ["utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1"]))
    content = text.encode(encoding, errors="replace")
    return draw(damaged(content)) if content and draw(st.booleans()) else content
