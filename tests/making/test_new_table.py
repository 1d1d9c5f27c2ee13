"""A select that begins to read a table which is not delivered yet: what readers have of the source stays."""

import shutil

from tests.atlas import Atlas
from tests.night.small import SOURCE, generated_no_more

ROWS = f"select * exclude (presentation_reason) from report.odds_ratios where source = '{SOURCE}' order by all"


def test_a_table_that_is_not_delivered_yet_takes_nothing_from_readers(synthetic: Atlas) -> None:
    before = synthetic.query(ROWS)
    assert before
    generated_no_more(synthetic)
    contracts = synthetic.folder / "data_contracts"
    shutil.copyfile(contracts / f"raw/{SOURCE}_planted.odcs.yaml", contracts / f"raw/{SOURCE}_more.odcs.yaml")
    synthetic.edit(f"data_contracts/raw/{SOURCE}_more.odcs.yaml", f"id: raw.{SOURCE}_planted", f"id: raw.{SOURCE}_more")
    synthetic.edit(f"data_contracts/raw/{SOURCE}_more.odcs.yaml", f"- name: {SOURCE}_planted", f"- name: {SOURCE}_more")
    path = contracts / f"sources/{SOURCE}.yaml"
    text = path.read_text(encoding="utf-8")
    for wave in ("136-pairs", "5000-pairs"):
        line = next(line for line in text.splitlines() if f"{wave}/planted.csv" in line)
        text = text.replace(line, f"{line}\n{line.replace('_planted:', '_more:').replace('planted.csv', 'more.csv')}")
    path.write_text(text, encoding="utf-8")
    select = synthetic.folder / f"sql/core/respondents/{SOURCE}.sql"
    read = select.read_text(encoding="utf-8").replace(
        f"from decoded.{SOURCE}_participants",
        f"from decoded.{SOURCE}_participants\ncross join (select count(*) as n_more from raw.{SOURCE}_more)",
    )
    assert "n_more" in read
    select.write_text(read, encoding="utf-8")
    assert not synthetic.refresh().success
    assert synthetic.query(ROWS) == before
    rejected = synthetic.project.store.acceptance(SOURCE, "136-pairs").rejections
    assert f"raw.{SOURCE}_more 136-pairs: 136-pairs/more.csv is missing" in rejected["raw"].problems
    [problem] = rejected["core.respondents"].problems
    assert "reads a table of which nothing was ever accepted" in problem
