"""What changed and how it was made, from one night on which a codebook, a delivery and a setting are new."""

import json
import math
from typing import Any

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

from pipelines.machine.code import code_version
from pipelines.release.kept import manifests
from pipelines.terminal.cli import app
from tests.atlas import Atlas

KEYS = {
    "characteristics_by_outcome": ["source", "wave", "population", "outcome", "characteristic", "level"],
    "odds_ratios": ["source", "wave", "population", "outcome", "exposure", "exposure_level", "model"],
    "prevalence_age_standardised": ["source", "wave", "population", "outcome", "standard_population", "sex"],
    "prevalence_by_exposure": ["source", "wave", "population", "outcome", "exposure", "exposure_level"],
}

CODEBOOK = "codebook synthetic_survey_respondents"
DELIVERY = "delivery of synthetic_case_control 136-pairs: synthetic_case_control_participants"
SETTING = 'study.yaml: standardisation.standard_population ("us_2000_adults_three_groups" -> "us_2000_eleven_groups")'

runner = CliRunner()


def deliver_as_it_is(atlas: Atlas, source: str) -> None:
    """The source is no longer generated: what has landed is its delivery."""
    path = atlas.folder / f"data_contracts/sources/{source}.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    del content["generator"]
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


@pytest.fixture(scope="module")
def changed(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """Two releases: between them one line of a codebook, one record of a delivery and one setting of the study changed."""
    atlas = published_synthetic.copy(tmp_path_factory.mktemp("changed") / "project")
    for source in ("synthetic_survey", "synthetic_case_control"):
        deliver_as_it_is(atlas, source)
    atlas.edit("data_contracts/codebooks/synthetic_survey_respondents.csv", "ethnicity,2,other_hispanic,", "ethnicity,2,other,")
    atlas.edit("study.yaml", "standard_population: us_2000_adults_three_groups", "standard_population: us_2000_eleven_groups")
    path = atlas.settings.landing_folder / "synthetic_case_control/136-pairs/participants.csv"
    header, *records = path.read_text(encoding="utf-8").splitlines()
    index, record = next((index, record) for index, record in enumerate(records) if record.endswith(",1"))
    records[index] = record[:-1] + "2"
    path.write_text("\n".join([header, *records]) + "\n", encoding="utf-8")
    assert atlas.refresh().success
    return atlas


def rows(atlas: Atlas, release: dict[str, Any], table: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    path = atlas.warehouse / "releases" / release["release_id"] / "report" / f"{table}.parquet"
    return {tuple(row[name] for name in KEYS[table]): row for row in pl.read_parquet(path).to_dicts()}


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_same(before: object, after: object) -> bool:
    """Equal, or apart by no more than the arithmetic of two ways to the same number."""
    if isinstance(before, float) and isinstance(after, float):
        return math.isclose(before, after, rel_tol=1e-12, abs_tol=0)
    return before == after


@pytest.mark.parametrize("table", KEYS)
def test_every_number_that_moved_is_named_and_no_other(changed: Atlas, table: str) -> None:
    before, after = (rows(changed, release, table) for release in manifests(changed.project))
    moved = {
        (key[0], name, before[key][name], after[key][name])
        for key in before.keys() & after.keys()
        for name in before[key]
        if (is_number(before[key][name]) or is_number(after[key][name])) and not is_same(before[key][name], after[key][name])
    }
    select = "select source, column_name, before, after from meta.release_changes where change = 'changed' and table_name = "
    assert set(changed.query(f"{select} 'report.{table}'")) == moved
    counts = dict(
        changed.query(f"select change, count(*) from meta.release_changes where table_name = 'report.{table}' group by all")
    )
    assert counts.get("added", 0) == len(after.keys() - before.keys())
    assert counts.get("vanished", 0) == len(before.keys() - after.keys())


def test_each_change_names_its_ingredient(changed: Atlas) -> None:
    named = {
        (table, source): ingredient
        for table, source, ingredient in changed.query("select distinct table_name, source, ingredient from meta.release_changes")
    }
    assert named == {
        # race and ethnicity are adjusted for, and enter no prevalence
        ("report.odds_ratios", "synthetic_survey"): CODEBOOK,
        ("report.characteristics_by_outcome", "synthetic_survey"): CODEBOOK,
        ("report.planted_truth", "synthetic_survey"): CODEBOOK,
        ("report.odds_ratios", "synthetic_case_control"): DELIVERY,
        ("report.characteristics_by_outcome", "synthetic_case_control"): DELIVERY,
        ("report.planted_truth", "synthetic_case_control"): DELIVERY,
        # the table rests on the respondents, whose race and ethnicity are coded otherwise, too
        ("report.prevalence_age_standardised", "synthetic_survey"): f"{CODEBOOK}; standard population; {SETTING}",
    }


def test_crude_odds_ratios_move_by_rounding_only_with_what_is_adjusted_for(changed: Atlas) -> None:
    moved = changed.query(
        "select row_key, difference_in_se from meta.release_changes "
        "where table_name = 'report.odds_ratios' and source = 'synthetic_survey' and column_name = 'odds_ratio'"
    )
    by_model = {model: [abs(by) for key, by in moved if f"model={model}" in key] for model in ("crude", "adjusted")}
    assert max(by_model["crude"], default=0) < 1e-9
    assert 0.001 < max(by_model["adjusted"]) < 5


def test_the_diff_of_two_releases_prints_the_same_and_needs_no_object(changed: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRAMP_ATLAS_PROJECT", str(changed.folder))
    ids = [manifest["release_id"] for manifest in manifests(changed.project)]
    hidden = changed.warehouse / "store-away"
    (changed.warehouse / "store").rename(hidden)
    try:
        printed = runner.invoke(app, ["releases", "diff", *ids, "--limit", "3"])
        backwards = runner.invoke(app, ["releases", "diff", *reversed(ids)])
    finally:
        hidden.rename(changed.warehouse / "store")
    assert printed.exit_code == 0, printed.stdout
    [(n_changed,)] = changed.query(
        "select count(*) from meta.release_changes where change = 'changed' and table_name = 'report.odds_ratios' "
        "and source = 'synthetic_survey'"
    )
    summary = f"report.odds_ratios synthetic_survey: {n_changed:,} numbers changed (by at most "
    assert summary in printed.stdout
    assert f" standard errors), 0 rows new, 0 gone; differs: {CODEBOOK}\n" in printed.stdout
    [(total,)] = changed.query("select count(*) from meta.release_changes")
    assert f"{total - 3:,} more: --limit 0 prints them all" in printed.stdout
    assert '("us_2000_eleven_groups" -> "us_2000_adults_three_groups")' in backwards.stdout
    same = runner.invoke(app, ["releases", "diff", ids[0], ids[0]])
    assert same.stdout == "no number of a report table differs\n"


def test_a_first_release_has_no_changes(published_synthetic: Atlas) -> None:
    assert published_synthetic.query("select count(*) from meta.release_changes") == [(0,)]


def test_what_changed_makes_no_release_a_new_one(changed: Atlas) -> None:
    known = [manifest["release_id"] for manifest in manifests(changed.project)]
    refreshed = changed.refresh()
    assert refreshed.success
    assert refreshed.n_made == 0
    assert [manifest["release_id"] for manifest in manifests(changed.project)] == known


def test_the_manifest_says_what_the_release_is_made_of(changed: Atlas) -> None:
    first, second = manifests(changed.project)
    assert (first["compared_with"], second["compared_with"]) == (None, first["release_id"])
    assert second["code"] == code_version()
    assert second["contracts"] == dict(changed.query("select distinct table_name, contract_version from meta.columns"))
    statuses = dict(changed.query("select status, count(*) from meta.check_results where is_in_release group by status"))
    assert second["rules"]["passed"] == statuses["passed"]
    assert sum(second["rules"].values()) == sum(statuses.values())
    assert second["rejected"] == []
    for entry in second["objects"]:
        schema, _, rest = entry["place"].partition(".")
        table, source, wave = rest.split(" ")
        folder = changed.warehouse / "store" / schema / table / source / wave
        sidecar = json.loads((folder / f"{entry['recipe']}.json").read_text(encoding="utf-8"))
        assert {name: entry[name] for name in ("content", "ingredients", "inputs", "rows")} == {
            name: sidecar[name] for name in ("content", "ingredients", "inputs", "rows")
        }


def test_a_passport_leads_from_a_report_row_to_the_delivered_file(changed: Atlas) -> None:
    import hashlib

    [(made_by, inputs, contracts, deliveries, exclusions, libraries)] = changed.query(
        "select made_by, inputs, contracts, deliveries, exclusions, libraries from report.odds_ratios as odds_ratios "
        "join meta.passports as passports using (source) where passports.table_name = 'report.odds_ratios' "
        "and source = 'synthetic_survey' limit 1"
    )
    assert made_by == "pipelines.report.odds_ratios.odds_ratios"
    [respondents] = json.loads(inputs)
    assert respondents["object"] == "core.respondents synthetic_survey 2024"
    store = changed.warehouse / "store/core/respondents/synthetic_survey/2024" / f"{respondents['sha256']}.parquet"
    assert hashlib.sha256(store.read_bytes()).hexdigest() == respondents["sha256"]
    assert set(json.loads(contracts)) == {"core.respondents", "raw.synthetic_survey_respondents", "report.odds_ratios"}
    [delivery] = json.loads(deliveries)
    landed = changed.settings.landing_folder / "synthetic_survey/2024/respondents.csv"
    assert delivery["sha256"] == hashlib.sha256(landed.read_bytes()).hexdigest()
    # four ages of 199 and three repeated records, of which both are doubtful
    assert (delivery["received"], delivery["set_aside"]) == (3_003, 10)
    assert "scipy" in libraries
    [adults] = [
        part for part in json.loads(exclusions) if (part["population"], part["outcome"]) == ("adults_60_plus", "has_cramps")
    ]
    counted = changed.query(
        "select n_respondents, n_missing from report.prevalence_by_age_band "
        "where source = 'synthetic_survey' and population = 'adults_60_plus' and outcome = 'has_cramps' and age_band = 'all'"
    )
    assert (adults["with_answer"], adults["no_answer"]) == counted[0]
    assert adults["respondents"] == 2_993 == adults["out_of_scope"] + adults["no_answer"] + adults["with_answer"]


def test_a_passport_of_a_select_holds_its_text(changed: Atlas) -> None:
    text = (changed.folder / "sql/core/respondents/synthetic_survey.sql").read_text(encoding="utf-8")
    where = "where table_name = 'core.respondents' and source = 'synthetic_survey'"
    assert changed.query(f"select made_by, sql_text from meta.passports {where}") == [
        ("sql/core/respondents/synthetic_survey.sql", text)
    ]
    [(everything,)] = changed.query("select count(*) from meta.passports where table_name not like 'raw.%'")
    entries = manifests(changed.project)[-1]["objects"]
    assert everything == len([entry for entry in entries if not entry["place"].startswith("raw.")])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["passport", "report.odds_ratios", "--source", "synthetic_survey"], "3,003 records received, 10 set aside"),
        (["passport", "report.planted_truth", "--source", "synthetic_survey"], "| -- one row per planted value"),
        (["releases", "show"], "  rests on core.respondents synthetic_survey 2024, "),
        (["releases", "show"], "held back: nothing"),
        (["releases", "list"], "* "),
        (["releases", "verify"], "all is well (35 files, 53 objects of the store, the links)"),
        (["releases", "prune", "--dry-run"], "would remove 0 releases, 0 files of the store, 0 leftovers: 0.0 MB"),
    ],
)
def test_the_commands_say(changed: Atlas, monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: str) -> None:
    monkeypatch.setenv("CRAMP_ATLAS_PROJECT", str(changed.folder))
    said = runner.invoke(app, arguments)
    assert said.exit_code == 0, said.stdout
    assert expected in said.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["releases", "show", "2001-01-01.1-x"], "there is no release 2001-01-01.1-x; there are: "),
        (
            ["passport", "report.odds_ratios", "--source", "atlantis"],
            "the release holds no passport of report.odds_ratios of atlantis",
        ),
    ],
)
def test_the_commands_refuse(changed: Atlas, monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: str) -> None:
    monkeypatch.setenv("CRAMP_ATLAS_PROJECT", str(changed.folder))
    said = runner.invoke(app, arguments)
    assert said.exit_code == 2
    assert expected in said.stdout
