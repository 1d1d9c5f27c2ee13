"""The UI after a rejected delivery: neither a page nor an answer of its server holds a value of a respondent."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from tests.atlas import Atlas
from tests.browser.served import ServedUi
from tests.markers import DECIMAL, MARKERS, NUMBER, TEXT, deliver, prepare

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TABLE = "/assets/raw/synthetic_survey_respondents"


@pytest.fixture(scope="module")
def ui(browser: "Browser", published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedUi]:
    """The UI of a project whose last delivery was rejected for values that nobody may see."""
    atlas = published_synthetic.copy(tmp_path_factory.mktemp("marked_ui") / "project")
    prepare(atlas)
    deliver(
        atlas,
        [("sex", 3, TEXT), ("statin", 4, NUMBER), ("interview_weight", 5, DECIMAL), ("remark", 6, TEXT)],
        f"{TEXT} Elm Street 5",
    )
    assert atlas.refresh_in_a_terminal().returncode == 1
    served = ServedUi(atlas)
    try:
        served.wait_until_up()
        yield served
    finally:
        served.kill()


def test_no_page_and_no_answer_of_the_server_holds_a_value(ui: ServedUi, page: "Page") -> None:
    answers: list[str] = []
    page.on("response", lambda answer: answers.append(answer.text()) if "graphql" in answer.url else None)
    page.on("websocket", lambda opened: opened.on("framereceived", lambda frame: answers.append(str(frame))))
    with dg.DagsterInstance.from_config(str(ui.atlas.folder / ".dagster")) as instance:
        [run] = instance.get_runs()
    for path, sign in (
        (f"/runs/{run.run_id}", "RUN_FAILURE"),
        ("/runs", run.run_id[:8]),
        (TABLE, "synthetic_survey_respondents"),
        (f"{TABLE}?view=checks", "contract"),
        (f"{TABLE}?view=events", "synthetic_survey_respondents"),
        ("/assets/release/warehouse", "warehouse"),
        ("/asset-groups", "Materialize all"),
        ("/automation", "nightly"),
    ):
        page.goto(ui.url + path)
        page.get_by_text(sign).first.wait_for()
        page.wait_for_load_state("networkidle")
        assert MARKERS.search(page.content()) is None, path
    told = "".join(answers)
    assert "not in the codebook" in told or "unlisted" in told or "rejected" in told
    assert MARKERS.search(told) is None
