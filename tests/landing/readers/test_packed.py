"""Packed deliveries are unpacked within bounds, one file at a time, and no name in an archive is ever written to."""

import gzip
import lzma
import stat
import zipfile
from pathlib import Path

import pytest

from tests.landing.readers.conftest import Read, Refusal
from tests.landing.readers.samples import MARKER, N_RECORDS, PACKERS, packed, sample, zipped

PACKINGS = [".gz", ".xz", ".bz2", ".zip"]
CSV = f"id,note\n1,{MARKER}\n".encode()


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".xlsx", ".parquet", ".xpt", ".sav", ".zsav", ".por", ".dta"])
def test_every_format_is_read_packed(landing: Path, read: Read, suffix: str, packing: str) -> None:
    path = sample(landing, suffix)
    alone = read(path)
    together = read(packed(path, packing))
    assert together.frame.height == N_RECORDS
    assert together.frame.equals(alone.frame)
    assert together.value_labels == alone.value_labels


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_cut_packed_file_is_refused(landing: Path, refusal: Refusal, packing: str, share: float) -> None:
    path = packed(sample(landing, ".csv"), packing)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert f"a cut or damaged {packing[1:]} file" in refusal(path)


@pytest.mark.parametrize("packing", [".gz", ".xz", ".bz2"])
def test_streams_that_follow_each_other_are_all_read_and_padding_is_nothing(landing: Path, read: Read, packing: str) -> None:
    path = landing / f"delivery.csv{packing}"
    pack = PACKERS[packing]
    path.write_bytes(pack(b"id\n1\n") + pack(b"2\n") + bytes(512))
    assert read(path).frame["id"].to_list() == ["1", "2"]


@pytest.mark.parametrize("packing", [".gz", ".xz", ".bz2"])
@pytest.mark.parametrize("after", ["junk", "a damaged stream"])
def test_what_follows_a_stream_and_is_none_is_refused(landing: Path, refusal: Refusal, packing: str, after: str) -> None:
    """A library that stops there in silence would lose the records of a second stream."""
    path = landing / f"delivery.csv{packing}"
    pack = PACKERS[packing]
    path.write_bytes(pack(b"id\n1\n") + (b"junk" if after == "junk" else b"\x93" + pack(b"2\n")[1:]))
    assert f"a cut or damaged {packing[1:]} file" in refusal(path)


def test_what_macos_keeps_beside_a_file_is_no_member(landing: Path, read: Read) -> None:
    path = zipped(landing / "delivery.zip", {"people.csv": b"id\n1\n", "._people.csv": b"\x00\x05\x16\x07", "a/._b.csv": b"x"})
    assert read(path).frame["id"].to_list() == ["1"]


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_bomb_stops_at_the_limit(landing: Path, read: Read, refusal: Refusal, packing: str) -> None:
    path = landing / "delivery.csv"
    path.write_bytes(b"id\n" + b"1\n" * 4_000_000)
    bomb = packed(path, packing)
    assert bomb.stat().st_size < 100_000
    path.unlink()
    assert "decompresses to more than 1,000,000 bytes" in refusal(bomb, {"reader_decompressed_limit": 1_000_000})
    assert "decompresses to more than 8,000,002 bytes" in refusal(bomb, {"reader_decompressed_limit": 8_000_002})
    assert read(bomb, {"reader_decompressed_limit": 8_000_003}).frame.height == 4_000_000


def test_a_lie_about_the_size_of_a_member_does_not_help(landing: Path, refusal: Refusal) -> None:
    path = zipped(landing / "delivery.zip", {"delivery.csv": b"id\n" + b"1\n" * 4_000_000})
    content = bytearray(path.read_bytes())
    for at in (22, content.rindex(b"PK\x01\x02") + 24):  # the size in the local header and in the directory
        content[at : at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(content)
    assert "damaged zip file" in refusal(path, {"reader_decompressed_limit": 1_000_000})


@pytest.mark.parametrize("packing", PACKINGS)
def test_nothing_packed_is_refused(landing: Path, refusal: Refusal, packing: str) -> None:
    path = landing / "delivery.csv"
    path.touch()
    assert "an empty file, packed" in refusal(packed(path, packing))


HOSTILE = [
    ({}, {}, "with 0 readable members"),
    ({"a.csv": CSV, "b.csv": CSV}, {}, "with 2 readable members"),
    ({"a.csv": CSV, "b.csv": CSV}, {}, "the first members are: 'a.csv', 'b.csv'"),
    ({"a.csv": CSV}, {"member": "b.csv"}, "0 members of the declared name"),
    ({"readme.md": CSV}, {}, "with 0 readable members"),
    ({"readme.md": CSV}, {"member": "readme.md"}, "a member that no reader reads"),
    ({"inner.zip": CSV}, {}, "an archive inside an archive"),
    ({"a.csv.gz": gzip.compress(CSV)}, {}, "an archive inside an archive"),
    ({"a.csv": CSV, "inner.zip": CSV}, {"member": "inner.zip"}, "an archive inside an archive"),
    ({"../a.csv": CSV}, {}, "a member whose name leads out of its folder"),
    ({"x/../../a.csv": CSV}, {}, "a member whose name leads out of its folder"),
    ({"/etc/a.csv": CSV}, {}, "a member whose name is absolute"),
    ({"C:/a.csv": CSV}, {}, "a member whose name is absolute"),
    ({"x\\a.csv": CSV}, {}, "a member whose name holds a backslash"),
    ({"a.csv": CSV, "../b.md": CSV}, {}, "a member whose name leads out of its folder"),
]


@pytest.mark.parametrize(("members", "form", "expected"), HOSTILE)
def test_an_archive_that_is_not_one_plain_file_is_refused(
    landing: Path, refusal: Refusal, members: dict[str, bytes], form: dict[str, str], expected: str
) -> None:
    assert expected in refusal(zipped(landing / "delivery.zip", members), **form)


def test_the_declared_member_is_read(landing: Path, read: Read) -> None:
    members = {"x/a.csv": b"id\n1\n", "b.csv": CSV, "__MACOSX/._b.csv": b"?", "readme.md": b"?"}
    path = zipped(landing / "delivery.zip", members)
    assert read(path, member="x/a.csv").frame.rows() == [("1",)]


def test_what_an_operating_system_adds_is_no_member(landing: Path, read: Read) -> None:
    path = zipped(landing / "delivery.zip", {"b.csv": CSV, "__MACOSX/._b.csv": b"?", "readme.md": b"?"})
    assert read(path).frame.rows() == [("1", MARKER)]


def test_a_name_that_stands_for_two_members_is_refused(landing: Path, refusal: Refusal) -> None:
    path = landing / "delivery.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", CSV)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.csv", b"id\n1\n")
    assert "with 2 readable members" in refusal(path)
    assert "2 members of the declared name" in refusal(path, member="a.csv")


def test_a_link_in_an_archive_is_refused(landing: Path, refusal: Refusal) -> None:
    link = zipfile.ZipInfo("a.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = landing / "delivery.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "a ZIP member that is a link" in refusal(path)


def test_an_archive_with_a_password_is_refused(landing: Path, refusal: Refusal) -> None:
    path = zipped(landing / "delivery.zip", {"a.csv": CSV})
    content = bytearray(path.read_bytes())
    for at in (6, content.rindex(b"PK\x01\x02") + 8):  # the flags in the local header and in the directory
        content[at] |= 1
    path.write_bytes(content)
    assert "with a password" in refusal(path)


def test_an_archive_of_the_limit_is_read_and_one_member_more_is_refused(landing: Path, read: Read, refusal: Refusal) -> None:
    members = {"a.csv": CSV, **{f"{number}.md": b"x" for number in range(4)}}
    path = zipped(landing / "delivery.zip", members)
    assert read(path, {"reader_member_limit": 5}).frame.height == 1
    assert "of 5 members where 4 are allowed" in refusal(path, {"reader_member_limit": 4})


@pytest.mark.parametrize("name", ["delivery.csv", "delivery.csv.gz"])
def test_a_member_of_what_is_no_archive_is_refused(landing: Path, refusal: Refusal, name: str) -> None:
    (landing / name).write_bytes(gzip.compress(CSV) if name.endswith("gz") else CSV)
    assert "no ZIP archive, where `form` names a member" in refusal(landing / name, member="a.csv")


def test_several_streams_in_one_file_are_one_delivery(landing: Path, read: Read) -> None:
    (landing / "delivery.csv.xz").write_bytes(lzma.compress(b"id\n1\n") + lzma.compress(b"2\n"))
    assert read(landing / "delivery.csv.xz").frame["id"].to_list() == ["1", "2"]
