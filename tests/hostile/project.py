"""A project in which every text that an analyst or a provider can set is one that page, spreadsheet or terminal could obey.

Each place has a number, by which its text is found again in what is made of the project.
"""

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pyreadstat
import yaml

from tests.atlas import Atlas, make_atlas

SOURCE, TABLE = "hostile", "hostile_people"
PEOPLE = [(number, 30 + number % 50, 1 + number % 2, int(number % 3 == 0), int(number % 5 < 2)) for number in range(1, 241)]
"""Id, age, sex, cramps, sedentary."""

PLACES: list[str] = []
"""What was made hostile; its number is where it stands."""


def hostile(place: str) -> str:
    """A text that runs as a formula, script, picture, link, colour or cell, wherever one of these is not escaped."""
    return (
        f"=1+{_mark(place)}<script>ran({PLACES.index(place)})</script>[bold red]x[/][p](javascript:ran)![p](http://h.invalid)|`"
    )


def hostile_name(place: str, end: str = "") -> str:
    """The same for names of files, sheets and columns, which hold no slash and few letters."""
    return f"=<img src=x onerror=ran({_number(place)})>{end}"


def _mark(place: str) -> str:
    return f"<img src=x onerror=ran({_number(place)})>"


def _number(place: str) -> int:
    if place not in PLACES:
        PLACES.append(place)
    return PLACES.index(place)


def mark_of(place: str) -> str:
    """What is looked for of a place in any output, escaped or not."""
    return f"onerror=ran({PLACES.index(place)})"


def hostile_atlas(folder: Path) -> Atlas:
    """The project of this repository with a source of 240 people, its other sources without a delivery."""
    PLACES.clear()
    atlas = make_atlas(folder)
    for name in ("synthetic_survey", "synthetic_case_control"):
        path = atlas.folder / "data_contracts" / "sources" / f"{name}.yaml"
        path.write_text(path.read_text(encoding="utf-8").partition("generator:")[0], encoding="utf-8")
    _study(atlas)
    _contracts(atlas)
    _sql(atlas)
    _deliveries(atlas)
    return atlas


def _edited(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    edit(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _study(atlas: Atlas) -> None:
    def edit(study: dict[str, Any]) -> None:
        study["title"] = hostile("title of the study")
        study["question"] = hostile("question of the study")
        study["populations"]["everyone_asked"]["label"] = hostile("label of a population with age bands")
        study["populations"]["adults_20_plus"]["label"] = hostile("label of a population with odds ratios")
        study["outcomes"]["has_cramps"]["label"] = hostile("label of an outcome")
        study["exposures"]["is_sedentary"]["label"] = hostile("label of an exposure")
        study["characteristics"]["categorical"]["sex"]["label"] = hostile("label of a characteristic in groups")
        study["characteristics"]["continuous"]["age_years"]["label"] = hostile("label of a characteristic in numbers")
        study["standardisation"]["standard_population"] = hostile("name of a standard population")

    _edited(atlas.folder / "study.yaml", edit)
    path = atlas.folder / "data_contracts" / "standard_populations.csv"
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    planted = [
        [hostile("name of a standard population"), *row[1:-1], hostile("source of a standard population")]
        for row in rows
        if row[0] == "us_2000_adults_three_groups"
    ]
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(planted)


WAVES = {
    "2020": "2020/people.csv",
    "2021": "2021/people.csv",
    "2022": "2022/people.zip",
    "2023": "2023/people.xlsx",
    "2024": "2024/people.csv",
    "2025": "2025/people.sav",
    "2026": "2026/people.csv",
}
"""Of the first two everything is accepted; each of the others is rejected for a text of its provider."""


def _contracts(atlas: Atlas) -> None:
    contracts = atlas.folder / "data_contracts"
    judged = ["age_years", "age_band", "sex", "has_cramps", "is_sedentary"]
    source = {
        "source": SOURCE,
        "title": hostile("title of a source"),
        "design": "clinic",
        "classification": "public_use",
        "citation": hostile("citation of a source"),
        "terms_of_use": hostile("terms of use of a source"),
        "homepage": "https://example.org/" + hostile("homepage of a source"),
        "waves": {
            wave: {"tables": {TABLE: {"file": f"2026/{hostile_name('name of a file', '.csv')}" if wave == "2026" else file}}}
            for wave, file in WAVES.items()
        },
        "comparability": [
            {
                "variables": judged,
                "waves": list(WAVES),
                "verdict": "recoded",
                "reason": hostile("reason of a verdict on comparability"),
                "reference": hostile("reference of a verdict on comparability"),
            }
        ],
    }
    _write(contracts / "sources" / f"{SOURCE}.yaml", source)

    def column(name: str, maximum: int, **more: Any) -> dict[str, Any]:
        return {
            "name": name,
            "physicalType": "INTEGER",
            "description": f"The {name}",
            "logicalTypeOptions": {"minimum": 0, "maximum": maximum},
            **more,
        }

    contract = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"raw.{TABLE}",
        "name": hostile("name of a contract"),
        "version": "1.0.0",
        "status": "active",
        "team": {"name": "epidemiology"},
        "support": [{"channel": "mail", "url": hostile("contact of a contract")}],
        "description": {
            "purpose": hostile("purpose of a contract"),
            "authoritativeDefinitions": [
                {"type": "documentation", "url": "https://example.org/" + hostile("link of a contract")},
                {"type": "terms", "url": "https://example.org"},
            ],
        },
        "schema": [
            {
                "name": TABLE,
                "physicalType": "table",
                "description": "One row per person. " + hostile("description of a table"),
                "quality": [
                    {
                        "id": hostile("name of a rule that fails"),
                        "metric": "rowCount",
                        "mustBeGreaterThan": len(PEOPLE) - 5,
                        "severity": "warn",
                        "description": hostile("description of a rule that fails"),
                    }
                ],
                "properties": [
                    column("id", 10_000, primaryKey=True, primaryKeyPosition=1, required=True),
                    column(
                        "age",
                        120,
                        description=hostile("description of a column"),
                        customProperties=[
                            {"property": "unit", "value": "years"},
                            {"property": "question", "value": hostile("question of a column")},
                        ],
                    ),
                    {
                        "name": "sex",
                        "physicalType": "INTEGER",
                        "description": "Sex",
                        "customProperties": [{"property": "codebook", "value": True}],
                    },
                    column("cramps", 1),
                    column("sedentary", 1),
                ],
            }
        ],
    }
    _write(contracts / "raw" / f"{TABLE}.odcs.yaml", contract)
    header = ["variable", "received", "code", "meaning", "kind_of_missing"]
    with (contracts / "codebooks" / f"{TABLE}.csv").open("w", encoding="utf-8", newline="") as file:
        rows = [["sex", "1", "1", hostile("meaning of a code"), ""], ["sex", "2", "2", "female", ""]]
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _sql(atlas: Atlas) -> None:
    select = f"""
        -- one row per person: {hostile("comment of a select")} ``` # heading
        select this_wave.source, this_wave.wave, cast(people.id as varchar) as respondent_id,
          people.age as age_years, cast(null as varchar) as age_years_missing,
          case people.sex when 1 then 'male' when 2 then 'female' end as sex, cast(null as varchar) as sex_missing,
          people.cramps = 1 as has_cramps, cast(null as varchar) as has_cramps_missing,
          people.sedentary = 1 as is_sedentary, cast(null as varchar) as is_sedentary_missing, this_wave.is_synthetic
        from raw.{TABLE} as people cross join meta.this_wave as this_wave
        order by people.id
    """
    (atlas.folder / "sql" / "core" / "respondents" / f"{SOURCE}.sql").write_text(select.strip() + "\n", encoding="utf-8")
    claim = f"-- {hostile('comment of a check')} ```\nselect respondent_id from core.respondents where age_years > 200\n"
    name = hostile_name("name of a check", ".sql")
    (atlas.folder / "sql" / "checks" / f"respondents__{name}").write_text(claim, encoding="utf-8")
    query = f"-- {hostile('heading of a query')}?\n-- {hostile('reading of a query')}\nselect 1 as one\n"
    (atlas.folder / "sql" / "queries" / hostile_name("name of a query", ".sql")).write_text(query, encoding="utf-8")


HEAD = ("id", "age", "sex", "cramps", "sedentary")
ESCAPE = "\x1b[31m\x1b]8;;h.invalid\x07"


def _deliveries(atlas: Atlas) -> None:
    landing = atlas.settings.landing_folder / SOURCE
    good = _csv(HEAD, PEOPLE)
    for wave in WAVES:
        (landing / wave).mkdir(parents=True)
    (landing / WAVES["2020"]).write_text(good, encoding="utf-8")
    (landing / WAVES["2021"]).write_text(_csv(HEAD, [(1_000 + row[0], *row[1:]) for row in PEOPLE[:-9]]), encoding="utf-8")
    with zipfile.ZipFile(landing / WAVES["2022"], "w") as archive:
        archive.writestr(hostile_name("name of a member", ".csv"), good)
        archive.writestr(f"b{ESCAPE}.csv", good)
    book = openpyxl.Workbook()
    assert book.active
    book.active.title = hostile_name("name of a sheet")
    book.create_sheet("other").append(HEAD)
    book.active.append(HEAD)
    book.save(landing / WAVES["2023"])
    heads = [*HEAD, hostile_name("name of a column"), f"b{ESCAPE}"]
    (landing / WAVES["2024"]).write_text(_csv(heads, [(*row, 1, 1) for row in PEOPLE]), encoding="utf-8")
    frame = pl.DataFrame(PEOPLE, schema=list(HEAD), orient="row").with_columns(pl.lit(7).alias("extra"))
    labels: dict[str, str | None] = {
        "extra": hostile_name("label of a column of SPSS"),
        "sex": hostile_name("label of a known column of SPSS"),
    }
    values: dict[str, dict[int | float, str]] = {"sex": {1: hostile_name("label of a value of SPSS"), 9: f"b{ESCAPE}"}}
    pyreadstat.write_sav(frame, str(landing / WAVES["2025"]), column_labels=labels, variable_value_labels=values)
    named = landing / "2026" / hostile_name("name of a file", ".csv")
    unlisted = [(number, age, hostile_name("code that is not in the codebook"), *rest) for number, age, _, *rest in PEOPLE]
    named.write_text(_csv(HEAD, unlisted), encoding="utf-8")


def _csv(head: Any, rows: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue()
