"""The form of a file is declared, checked when the project is loaded, part of the recipe, and proposed by `sniff`."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from pydantic import ValidationError

from pipelines.landing.readers.delivered import DeliveryUnreadable
from pipelines.landing.readers.reading import sniff
from pipelines.machine.errors import ConfigurationError
from pipelines.machine.settings import Settings
from pipelines.project.form import Form
from pipelines.project.project import Project
from pipelines.project.sources import load_sources
from pipelines.raw.casting import cast_values
from pipelines.raw.plan import plan_raw
from pipelines.stages import load_project
from pipelines.store import Place
from tests.landing.readers.conftest import Read, Refusal
from tests.landing.readers.samples import MARKER, packed, sample

SOURCE = "synthetic_case_control"
TABLE = "synthetic_case_control_participants"
WAVE = "136-pairs"


def source_with(folder: Path, **changes: Any) -> Path:
    """A folder of sources with one whose first file is changed."""
    path = Settings().data_contracts / "sources" / f"{SOURCE}.yaml"
    source = yaml.safe_load(path.read_text(encoding="utf-8"))
    source["waves"][WAVE]["tables"][TABLE] |= changes
    (folder / path.name).write_text(yaml.safe_dump(source), encoding="utf-8")
    return folder


def test_a_file_has_the_default_form_unless_its_source_declares_one(tmp_path: Path) -> None:
    assert load_sources(source_with(tmp_path))[SOURCE].waves[WAVE].tables[TABLE].form == Form()
    declared = {"encoding": "cp1252", "separator": ";", "decimal": ",", "sheet": "people", "member": "x/a.csv"}
    assert load_sources(source_with(tmp_path, form=declared))[SOURCE].waves[WAVE].tables[TABLE].form == Form(**declared)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"file": "../../secret.csv"}, "leads out of its folder"),
        ({"file": "x/../../secret.csv"}, "leads out of its folder"),
        ({"file": "/etc/secret.csv"}, "is absolute"),
        ({"file": "C:/secret.csv"}, "is absolute"),
        ({"file": "c:secret.csv"}, "is absolute"),
        ({"file": "x\\secret.csv"}, "holds a backslash"),
        ({"file": "\\\\server\\secret.csv"}, "holds a backslash"),
        ({"file": "a\0.csv"}, r"holds the character \x00, which is not seen"),
        ({"file": " "}, "is empty"),
        ({"form": {"member": "../a.csv"}}, "leads out of its folder"),
        ({"form": {"member": "/a.csv"}}, "is absolute"),
        ({"form": {"catalogue": "../a.sas7bcat"}}, "leads out of its folder"),
        ({"form": {"encoding": "utf-9"}}, "is no encoding that Python knows"),
        ({"form": {"encoding": "base64"}}, "is no encoding of text"),
        ({"form": {"separator": ";;"}}, "one character"),
        ({"form": {"separator": '"'}}, "one character"),
        ({"form": {"separator": "a"}}, "one character"),
        ({"form": {"decimal": "'"}}, "decimal"),
        ({"form": {"quote": "'"}}, "quote"),
    ],
)
def test_a_form_or_path_that_cannot_be_is_refused_when_the_project_is_loaded(
    tmp_path: Path, changes: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ConfigurationError, match=rf"{SOURCE}.yaml, line \d+") as raised:
        load_sources(source_with(tmp_path, **changes))
    assert expected in str(raised.value)


def test_the_form_is_in_the_recipe_only_where_it_is_declared(tmp_path: Path) -> None:
    project = load_project()
    place = Place("raw", TABLE, SOURCE, WAVE)
    plain = plan_raw(project, place, "0" * 64)
    assert "form" not in plain.ingredients
    recipes = {plain.recipe}
    for form in ({"separator": ";"}, {"decimal": ","}, {"separator": ";", "decimal": ","}):
        sources = load_sources(source_with(tmp_path, form=form))
        recipes.add(plan_raw(Project(**{**vars(project), "sources": sources}), place, "0" * 64).recipe)
    assert len(recipes) == 4


def test_a_link_that_leads_out_of_landing_is_refused(landing: Path, tmp_path: Path, read: Read, refusal: Refusal) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    secret = sample(outside, ".csv")
    inside = sample(landing, ".tsv")
    (landing / "linked.csv").symlink_to(secret)
    (landing / "folder").symlink_to(outside)
    (landing / "linked.tsv").symlink_to(inside)
    assert "a link that leads out of the landing folder" in refusal(landing / "linked.csv", within=landing)
    assert "a link that leads out of the landing folder" in refusal(landing / "folder" / "delivery.csv", within=landing)
    assert read(landing / "linked.tsv", within=landing).frame.height == 40


def test_landing_itself_may_be_a_link(landing: Path, tmp_path: Path, read: Read) -> None:
    sample(landing, ".csv")
    (tmp_path / "linked").symlink_to(landing)
    assert read(tmp_path / "linked" / "delivery.csv", within=tmp_path / "linked").frame.height == 40


@pytest.mark.parametrize(
    ("texts", "kind", "decimal", "numbers", "n_misfits"),
    [
        (["3,5", "7", "-0,25", ",5", "1,5e3"], "DOUBLE", ",", [3.5, 7.0, -0.25, 0.5, 1500.0], 0),
        (["7,0", "8", ""], "INTEGER", ",", [7, 8, None], 0),
        (["7,5"], "INTEGER", ",", [None], 1),
        (["1.234,5", "3.5", "1,2,3", "1 234,5"], "DOUBLE", ",", [None] * 4, 4),
        (["3,5", "3.5"], "DOUBLE", ".", [None, 3.5], 1),
        (["=1+1", "3,5"], "DOUBLE", ",", [None, 3.5], 1),
    ],
)
def test_numbers_are_read_with_the_declared_decimal_mark_alone(
    texts: list[str], kind: str, decimal: str, numbers: list[float | None], n_misfits: int
) -> None:
    values, misfits = cast_values(pl.Series("x", texts), kind, decimal)
    assert values.to_list() == numbers
    assert sum(misfit.n_values for misfit in misfits) == n_misfits


def test_text_keeps_its_commas_and_its_formulas() -> None:
    values, misfits = cast_values(pl.Series("x", ["3,5", "=1+1"]), "VARCHAR", ",")
    assert values.to_list() == ["3,5", "=1+1"]
    assert not misfits


@pytest.mark.parametrize(("decimal", "other"), [(".", ","), (",", ".")])
def test_numbers_with_the_other_decimal_mark_are_told_from_other_text(decimal: str, other: str) -> None:
    _, [misfit] = cast_values(pl.Series("x", [f"3{other}5", f"1{other}25"]), "DOUBLE", decimal)
    assert misfit.found == f"numbers whose decimal mark is {other!r} where the source's file declares {decimal!r}"
    _, [misfit] = cast_values(pl.Series("x", [f"3{other}5", "many"]), "DOUBLE", decimal)
    assert misfit.found == "texts of 3 to 4 characters that are not a number"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"id,hours\n1,3.5\n", Form()),
        (b"id;hours\n1;3,5\n2;4,25\n", Form(separator=";", decimal=",")),
        (b"id;note\n1;a,b,c\n2;d,e\n", Form(separator=";")),
        (b"id\thours\n1\t3.5\n", Form(separator="\t")),
        (b"id|hours\n1|3\n", Form(separator="|")),
        (b"id;caf\xe9\n1;2\n", Form(encoding="cp1252", separator=";")),
        (b"\xef\xbb\xbfid;hours\n1;2\n", Form(separator=";")),
        ("id;hours\n1;2\n".encode("utf-16"), Form(separator=";")),
        ("id;hours\n1;2\n".encode("utf-16-le"), Form(encoding="utf-16-le", separator=";")),
        (b"id\n1\n", Form()),
        (b'"id";"note, or none"\n1;"a, b; c"\n', Form(separator=";")),
    ],
)
def test_a_form_that_reads_the_file_is_proposed(
    landing: Path, tmp_path: Path, read: Read, content: bytes, expected: Form
) -> None:
    path = landing / "delivery.csv"
    path.write_bytes(content)
    n_records = len(content.decode("utf-16" if b"\0" in content else "cp1252").splitlines()) - 1
    form = sniff(path, settings=Settings(project=tmp_path / "project"))
    assert form == expected
    assert read(path, **form.model_dump(exclude_none=True)).frame.height == n_records
    assert sniff(packed(path, ".gz"), settings=Settings(project=tmp_path / "project")) == expected


@pytest.mark.parametrize("suffix", [".xpt", ".sav", ".dta", ".parquet", ".xlsx"])
def test_formats_that_say_everything_themselves_need_no_form(landing: Path, tmp_path: Path, suffix: str) -> None:
    assert sniff(sample(landing, suffix), settings=Settings(project=tmp_path / "project")) == Form()


def test_what_is_no_text_has_no_form(landing: Path, tmp_path: Path) -> None:
    path = landing / "delivery.csv"
    path.write_bytes(b"\x81\x8d\x00" + MARKER.encode())
    with pytest.raises(DeliveryUnreadable, match="found text with NUL characters in line 1") as raised:
        sniff(path, settings=Settings(project=tmp_path / "project"))
    assert MARKER not in str(raised.value)


def test_a_declaration_is_yaml_of_the_form() -> None:
    form = Form(encoding="cp1252", separator="\t", decimal=",", sheet='the "first"')
    assert Form(**yaml.safe_load(form.declaration())["form"]) == form


def test_a_form_is_not_changed_in_passing() -> None:
    with pytest.raises(ValidationError):
        Form().encoding = "cp1252"  # type: ignore[misc]


def test_a_date_fits_a_column_of_times() -> None:
    values, misfits = cast_values(pl.Series("seen", [date(2024, 1, 2)]), "TIMESTAMP")
    assert values.to_list() == [datetime(2024, 1, 2)]
    assert not misfits
