"""What tests leave out of the project: a part is gone whole, and nothing beside it."""

from pathlib import Path

import yaml

from tests.atlas import OptionalPart, leave_out

STUDY = """\
study: cramps

# What others found,
# in two lines.
evidence:
  register: here

  outcomes:
    a: {b: c}

# The night.
nightly:
  cron: "0 4 * * *"
"""


def test_a_part_goes_with_its_comment_and_its_files_and_nothing_else_does(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    for name in ("kept.csv", "part/inside.csv", "part_of_table.yaml"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    leave_out(tmp_path, OptionalPart(keys=("evidence", "not_there"), files=("data/part*", "nowhere/*")))
    text = (tmp_path / "study.yaml").read_text(encoding="utf-8")
    assert text == 'study: cramps\n\n# The night.\nnightly:\n  cron: "0 4 * * *"\n'
    assert yaml.safe_load(text).keys() == {"study", "nightly"}
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["kept.csv"]


def test_an_entry_of_a_section_goes_alone(tmp_path: Path) -> None:
    rest = "other:\n  deeper:\n    is_further: {}\n"
    study = "exposures:\n  is_kept: {label: Kept}\n  is_further:\n    {label: Further, per: 1}\n" + rest
    (tmp_path / "study.yaml").write_text(study, encoding="utf-8")
    leave_out(tmp_path, OptionalPart(keys=("exposures.is_further",)))
    text = (tmp_path / "study.yaml").read_text(encoding="utf-8")
    assert text == "exposures:\n  is_kept: {label: Kept}\n" + rest
