"""What an analyst sees after a refresh in a terminal: `cramp-atlas ui` in Chromium."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from pipelines.machine.files import sha256_of_file
from pipelines.synthetic.delivery import MADE
from tests.atlas import Atlas
from tests.browser.conftest import ARTEFACTS, PATIENCE_MILLISECONDS
from tests.browser.served import ServedUi, command, environment
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

TABLE = "/assets/report/prevalence_by_age_band"

RUN_SECONDS = 120
"""How long a run of one table may take from the click; on an idle machine it takes eight seconds."""


@pytest.fixture(scope="module")
def ui(browser: "Browser", published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedUi]:
    """The UI of a project that was refreshed in a terminal. It is started only where there is a browser."""
    atlas = published_synthetic.copy(tmp_path_factory.mktemp("ui") / "project")
    subprocess.run(
        command("refresh"),
        env=environment(atlas),
        cwd=atlas.folder.parent,
        check=True,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )
    served = ServedUi(atlas)
    try:
        served.wait_until_up()
        yield served
    finally:
        served.kill()


def runs(atlas: Atlas) -> list[dg.DagsterRun]:
    """The runs of the project's instance, newest first."""
    with dg.DagsterInstance.from_config(str(atlas.folder / ".dagster")) as instance:
        return list(instance.get_runs())


def checks_of_deliveries(atlas: Atlas) -> int:
    key = dg.AssetCheckKey(dg.AssetKey(["raw", "synthetic_survey_respondents"]), "contract")
    with dg.DagsterInstance.from_config(str(atlas.folder / ".dagster")) as instance:
        return len(instance.event_log_storage.get_asset_check_execution_history(key, limit=100))


def run_of_the_terminal(atlas: Atlas) -> dg.DagsterRun:
    return runs(atlas)[-1]


def row_of(page: "Page", run: dg.DagsterRun) -> "Locator":
    """The innermost box that holds the link to a run and the job that it ran."""
    link = page.get_by_role("link", name=run.run_id[:8])
    return page.locator("div", has=link).filter(has_text=re.compile("Success|Failure|Started|Queued")).last


def expect_text(locator: "Locator", *texts: str) -> None:
    from playwright.sync_api import expect

    for text in texts:
        expect(locator).to_contain_text(text, timeout=PATIENCE_MILLISECONDS)


def expect_visible(locator: "Locator", seconds: float) -> None:
    from playwright.sync_api import expect

    expect(locator).to_be_visible(timeout=seconds * 1000)


def expect_count(locator: "Locator", count: int) -> None:
    from playwright.sync_api import expect

    expect(locator).to_have_count(count, timeout=PATIENCE_MILLISECONDS)


def photograph(page: "Page", name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png", animations="disabled")


def launch(page: "Page", button: str) -> None:
    """Click a button that materialises, and wait until the run has succeeded."""
    page.get_by_role("button").filter(has_text=re.compile(f"^{button}$")).click()
    page.get_by_text("Launched run").wait_for()
    page.get_by_role("link", name="View", exact=True).click()
    expect_visible(page.get_by_text("RUN_SUCCESS"), RUN_SECONDS)


def test_the_ui_is_for_this_machine_only(ui: ServedUi) -> None:
    addresses = ui.listening()
    assert f"0100007F:{ui.port:04X}" in addresses  # 127.0.0.1, as the kernel writes it
    assert {address.partition(":")[0] for address in addresses} == {"0100007F"}


def test_a_first_visit_meets_no_dialog(ui: ServedUi, page: "Page") -> None:
    page.goto(ui.url)
    page.locator('a[href="/asset-groups"]').first.click()  # icons are part of the names of links
    page.get_by_text("Global asset lineage").wait_for()
    page.get_by_text("Materialize all").wait_for()
    assert page.get_by_role("dialog").count() == 0
    assert page.get_by_text("community").count() == 0


def test_the_graph_shows_the_groups_and_what_a_table_is_made_from(ui: ServedUi, page: "Page") -> None:
    page.goto(f"{ui.url}/asset-groups")
    graph = page.locator("svg")
    for group in ("raw", "core", "report", "release"):
        graph.get_by_text(group, exact=True).first.wait_for()
    photograph(page, "asset_graph")
    page.goto(f"{ui.url}{TABLE}?view=lineage")
    for neighbour in ("respondents", "prevalence_by_age_band", "planted_truth", "warehouse"):
        graph.get_by_text(neighbour, exact=True).first.wait_for()
    expect_count(graph.get_by_text("Loading..."), 0)
    photograph(page, "lineage")


def test_the_catalog_lists_every_table_as_materialised(ui: ServedUi, page: "Page") -> None:
    project = ui.atlas.project
    tables = [*project.tables("raw"), *project.core_tables, *project.report_tables, "release.warehouse"]
    page.goto(f"{ui.url}/assets")
    page.get_by_text("Materialized", exact=True).first.wait_for()
    expect_count(page.get_by_text("Loading..."), 0)
    photograph(page, "catalog")
    page.set_viewport_size({"width": 1400, "height": 100 * (len(tables) + 2)})  # rows out of sight are not made
    for name in tables:
        page.get_by_test_id(f"checkbox-{name.replace('.', '/')}").wait_for(state="attached")
    expect_count(page.get_by_text("Materialized", exact=True), len(tables))


def test_the_run_of_the_terminal_is_listed_and_belongs_to_the_job(ui: ServedUi, page: "Page") -> None:
    run = run_of_the_terminal(ui.atlas)
    page.goto(f"{ui.url}/runs")
    expect_text(row_of(page, run), "nightly", "Success")
    page.goto(f"{ui.url}/locations/pipelines.dagster.definitions/jobs/nightly/runs")
    expect_text(row_of(page, run), "nightly", "Success")


def test_the_check_of_a_delivery_can_be_executed_alone(ui: ServedUi, page: "Page") -> None:
    before = checks_of_deliveries(ui.atlas)
    page.goto(f"{ui.url}/assets/raw/synthetic_survey_respondents?view=checks")
    launch(page, "Execute")
    assert checks_of_deliveries(ui.atlas) == before + 1


def test_the_schedule_runs_and_says_when(ui: ServedUi, page: "Page") -> None:
    nightly = ui.atlas.project.study.nightly
    page.goto(f"{ui.url}/automation")
    page.get_by_role("link", name="nightly").click()
    expect_text(page.get_by_role("row", name="Schedule").last, nightly.cron)
    expect_text(page.get_by_role("row", name="Execution timezone"), nightly.timezone)
    assert page.get_by_role("row", name="Running").get_by_role("checkbox").is_checked()
    photograph(page, "schedule")


def test_a_table_shows_its_description_columns_rows_and_verdict(ui: ServedUi, page: "Page") -> None:
    contract = ui.atlas.project.contracts["report.prevalence_by_age_band"]
    [(rows,)] = ui.atlas.query("select count(*) from report.prevalence_by_age_band")
    page.goto(ui.url + TABLE)
    body = page.locator("body")
    page.get_by_text("Row count").wait_for()
    expect_text(body, contract.description, "Columns", f"Row count{rows}")
    for column in contract.columns:
        row = page.locator("tr").filter(has=page.get_by_text(column.name, exact=True)).first
        expect_text(row, column.type, column.description.replace("`", ""))
    photograph(page, "asset")
    page.goto(f"{ui.url}{TABLE}?view=checks")
    expect_text(body, "contract", "report.prevalence_by_age_band meets its contract", "Passed")
    photograph(page, "check")


def test_a_table_materialised_in_the_ui_is_a_run_beside_that_of_the_terminal(ui: ServedUi, page: "Page") -> None:
    page.goto(f"{ui.url}/assets/report/planted_truth")
    launch(page, "Materialize")
    launched, terminal = runs(ui.atlas)[0], run_of_the_terminal(ui.atlas)
    assert launched.asset_selection == {dg.AssetKey(["report", "planted_truth"])}
    assert launched.status == terminal.status == dg.DagsterRunStatus.SUCCESS
    page.goto(f"{ui.url}/runs")
    expect_text(row_of(page, launched), "planted_truth", "Success")
    expect_text(row_of(page, terminal), "nightly", "Success")
    photograph(page, "runs")


def open_dialog(page: "Page", ui: ServedUi, asset: str, key: str) -> "Locator":
    """What stands behind `[Show Markdown]` of one metadata entry of an asset."""
    page.goto(f"{ui.url}/assets/{asset}")
    page.get_by_text("Latest materialization").first.wait_for()
    page.locator("tr").filter(has=page.get_by_text(key, exact=True)).get_by_text("[Show Markdown]").click()
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    return dialog


def test_everything_materialised_in_the_ui_shows_its_figures_and_where_its_columns_come_from(ui: ServedUi, page: "Page") -> None:
    page.goto(f"{ui.url}/asset-groups")
    launch(page, "Materialize all")
    assert runs(ui.atlas)[0].status == dg.DagsterRunStatus.SUCCESS
    for table in ("prevalence_by_age_band", "odds_ratios"):
        dialog = open_dialog(page, ui, f"report/{table}", "figures")
        dialog.locator("img").first.wait_for()
        widths = dialog.locator("img").evaluate_all("images => images.map(image => image.naturalWidth)")
        assert len(widths) >= 2
        assert min(widths) > 300
        photograph(page, f"figures_of_{table}")
    expect_text(open_dialog(page, ui, "report/odds_ratios", "preview"), "is synthetic yes", "Any beta-agonist", "of 43 rows")
    photograph(page, "preview")
    asked = ui.atlas.project.contracts["raw.synthetic_survey_respondents"].column("leg_cramps").question
    assert asked
    expect_text(
        open_dialog(page, ui, "core/respondents", "column lineage"), "raw.synthetic_survey_respondents: leg_cramps", asked
    )
    photograph(page, "column_lineage")
    expect_text(
        open_dialog(page, ui, "core/respondents", "sql"),
        "sql/core/respondents/synthetic_survey.sql",
        "from decoded.synthetic_survey_respondents",
    )
    photograph(page, "sql")


def test_an_asset_shows_its_owner_its_files_and_what_is_synthetic(ui: ServedUi, page: "Page") -> None:
    page.goto(f"{ui.url}/assets/raw/synthetic_survey_respondents")
    body = page.locator("body")
    expect_text(body, "Owners", "epidemiology", "Source code", "take_in.py", "describes no real person", "respondents.csv")
    photograph(page, "raw_asset")
    page.goto(f"{ui.url}/assets/raw/nhanes_slq")
    expect_text(body, "nothing delivered", "SLQ_D.xpt")
    assert "not_applicable" not in body.inner_text()


def test_the_release_links_to_its_page_and_says_what_is_not_up_to_date(ui: ServedUi, page: "Page") -> None:
    page.goto(f"{ui.url}/assets/release/warehouse")
    expect_text(page.locator("body"), "not up to date", "nothing: every source is at what was delivered last")
    link = page.get_by_role("link", name=re.compile(r"report\.html$"))
    link.first.wait_for()
    page.goto(str(link.first.get_attribute("href")))
    assert page.title().startswith("Nocturnal leg cramps")


def test_a_delivery_that_breaks_its_contract_fails_its_check_with_advice(ui: ServedUi, page: "Page") -> None:
    landed = ui.atlas.settings.landing_folder / "synthetic_case_control"
    people = landed / "136-pairs" / "participants.csv"
    lines = people.read_text(encoding="utf-8").splitlines(keepends=True)
    people.write_text("".join([*lines, lines[-1]]), encoding="utf-8")
    made = json.loads((landed / MADE).read_text(encoding="utf-8"))
    made["files"]["136-pairs/participants.csv"] = sha256_of_file(people)
    (landed / MADE).write_text(json.dumps(made), encoding="utf-8")
    page.goto(f"{ui.url}/assets/raw/synthetic_case_control_participants")
    launch(page, "Materialize")
    page.goto(f"{ui.url}/assets/raw/synthetic_case_control_participants?view=checks")
    body = page.locator("body")
    expect_text(body, "Failed", "rejected: readers keep what was accepted before", "ask for a corrected delivery")
    photograph(page, "check_failed")
    row = page.locator("tr").filter(has_text="no two rows have the same participant").filter(has_text="ask for").last
    expect_text(row, "synthetic_case_control 136-pairs", "2 of 273", "0 rows")


def test_the_terminal_of_the_ui_tells_what_runs_and_warns_of_nothing(ui: ServedUi) -> None:
    assert f"http://127.0.0.1:{ui.port}" in ui.log
    assert not re.search("warning|deprecat|supersed|Traceback", ui.log, re.IGNORECASE)


def test_an_ended_ui_leaves_nothing_running(ui: ServedUi) -> None:
    """The last test of this module, because it ends the UI."""
    assert len(ui.processes()) >= 4
    assert ui.end(signal.SIGINT) == {}
