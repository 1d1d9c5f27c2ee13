"""A source whose files are delivered, in the small project that the tests share."""

from tests.atlas import Atlas

SOURCE = "synthetic_case_control"
PAIRS = "136-pairs/participants.csv"
PLANTED = "136-pairs/planted.csv"


def generated_no_more(atlas: Atlas) -> None:
    """From now on the source is delivered; what landed of it before stays, and was taken in."""
    path = atlas.folder / "data_contracts/sources" / f"{SOURCE}.yaml"
    path.write_text(path.read_text(encoding="utf-8").partition("generator:")[0], encoding="utf-8")
