"""The folder of a site: nothing of others is lost, and a kill leaves the old site whole."""

import os
import signal
import tempfile
from pathlib import Path

import pytest

from pipelines.machine.errors import CrampAtlasError, WrongUsage
from pipelines.release.site import place
from pipelines.release.site.place import LISTED, appearing_site


def write(folder: Path, text: str = "first") -> None:
    with appearing_site(folder) as fresh:
        (fresh / "index.html").write_text(text, encoding="utf-8")
        (fresh / "data").mkdir()
        (fresh / "data" / "a.csv").write_text(f"{text}\n", encoding="utf-8")


def fail(folder: Path, error: OSError) -> None:
    with appearing_site(folder) as fresh:
        (fresh / "index.html").write_text("half", encoding="utf-8")
        raise error


def there(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file() and path.name != LISTED
    }


@pytest.mark.parametrize("before", ["nothing", "an empty folder", "a site", "a link to a site"])
@pytest.mark.parametrize("can_exchange", [True, False])
def test_what_may_be_replaced_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, can_exchange: bool
) -> None:
    if not can_exchange:
        monkeypatch.setattr(place, "_exchanged", lambda *_: False)
    folder = tmp_path / "site"
    if before == "an empty folder":
        folder.mkdir()
    elif before == "a site":
        write(folder)
    elif before == "a link to a site":
        write(tmp_path / "elsewhere")
        folder.symlink_to("elsewhere")
    write(folder, "second")
    assert there(folder) == {"index.html": "second", "data/a.csv": "second\n"}
    assert folder.stat().st_mode & 0o777 == 0o755
    assert {path.name for path in tmp_path.iterdir()} <= {"site", "elsewhere"}


def test_names_change_places_in_one_step(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        (folder / folder.name).touch()
    assert place._exchanged(one, other)
    assert (one / "other").exists()
    assert (other / "one").exists()


@pytest.mark.parametrize(
    ("mine", "why"),
    [
        ("site", "is a file, and nothing is overwritten"),
        ("site/thesis.txt", "holds something that is no site of releases"),
        ("site/site.json", "holds something that is no site of releases"),
    ],
)
def test_what_is_not_ours_is_refused(tmp_path: Path, mine: str, why: str) -> None:
    path = tmp_path / mine
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"years": "of work"}', encoding="utf-8")
    with pytest.raises(WrongUsage, match=why):
        write(tmp_path / "site")
    assert path.read_text(encoding="utf-8") == '{"years": "of work"}'
    assert [name.name for name in tmp_path.iterdir()] == ["site"]


@pytest.mark.parametrize(
    ("mine", "why"),
    [
        ("CNAME", "holds CNAME, which no site wrote"),
        ("data/own.csv", "holds data/own.csv, which no site wrote"),
        ("index.html", "index.html was changed since the site was written"),
    ],
)
def test_what_somebody_put_into_a_site_is_not_lost(tmp_path: Path, mine: str, why: str) -> None:
    folder = tmp_path / "site"
    write(folder)
    (folder / mine).write_text("years of work", encoding="utf-8")
    with pytest.raises(WrongUsage, match=why):
        write(folder, "second")
    assert (folder / mine).read_text(encoding="utf-8") == "years of work"


def test_what_somebody_puts_in_meanwhile_is_not_lost(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    write(folder)
    with pytest.raises(WrongUsage, match=r"holds thesis\.txt"), appearing_site(folder):
        (folder / "thesis.txt").write_text("years of work", encoding="utf-8")
    assert there(folder) == {"index.html": "first", "data/a.csv": "first\n", "thesis.txt": "years of work"}


def test_a_site_of_which_a_file_was_deleted_is_written_anew(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    write(folder)
    (folder / "data" / "a.csv").unlink()
    write(folder, "second")
    assert there(folder) == {"index.html": "second", "data/a.csv": "second\n"}


@pytest.mark.parametrize("number", [28, 13, 30])
def test_a_site_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, number: int) -> None:
    folder = tmp_path / "site"
    write(folder)
    with pytest.raises(CrampAtlasError, match=f"site could not be written: {os.strerror(number)}"):
        fail(folder, OSError(number, os.strerror(number)))
    assert there(folder) == {"index.html": "first", "data/a.csv": "first\n"}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_folder_in_which_nobody_may_write_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(CrampAtlasError, match="site could not be written: Permission denied"):
        write(tmp_path / "site")


def test_a_kill_leaves_the_old_site_and_the_next_run_removes_what_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    write(folder)
    child = os.fork()
    if child == 0:
        with appearing_site(folder) as fresh:
            (fresh / "index.html").write_text("half", encoding="utf-8")
            os.kill(os.getpid(), signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert there(folder) == {"index.html": "first", "data/a.csv": "first\n"}
    assert len(list(tmp_path.iterdir())) == 2
    write(folder, "second")
    assert there(folder)["index.html"] == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_what_another_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    with appearing_site(folder) as fresh:
        (fresh / "index.html").write_text("of the first", encoding="utf-8")
        place._remove_leftovers(folder)
        assert fresh.exists()
    assert there(folder) == {"index.html": "of the first"}
