"""One project for all changes of one file: the others are read once."""

from collections.abc import Iterator

import pytest

from pipelines.authoring import lint as linting
from pipelines.contracts.model import load_contracts
from pipelines.project import project as loading
from pipelines.project.selects import load_checks, load_selects, load_vocabularies
from pipelines.project.sources import load_sources
from pipelines.project.standards import load_standard_populations
from tests.atlas import Atlas, make_atlas


@pytest.fixture(scope="package")
def good(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    return make_atlas(tmp_path_factory.mktemp("settings") / "project")


@pytest.fixture(scope="module")
def contracts_read_once(good: Atlas) -> Iterator[None]:
    """Contracts and SQL are the same in every case."""
    settings = good.settings
    contracts = load_contracts(settings.data_contracts)
    selects, checks = load_selects(settings.sql), load_checks(settings.sql / "checks")
    vocabularies = load_vocabularies(settings.sql)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "load_contracts", lambda *_: contracts)
        patch.setattr(loading, "load_selects", lambda *_: selects)
        patch.setattr(loading, "load_vocabularies", lambda *_: vocabularies)
        patch.setattr(loading, "load_checks", lambda *_: checks)
        patch.setattr(linting, "_contract", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def sources_read_once(good: Atlas, contracts_read_once: None) -> Iterator[None]:
    """So are the sources and the standard populations: all but study.yaml."""
    settings = good.settings
    sources = load_sources(settings.data_contracts / "sources")
    standards = load_standard_populations(settings.data_contracts / "standard_populations.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "load_sources", lambda *_: sources)
        patch.setattr(loading, "load_standard_populations", lambda *_: standards)
        patch.setattr(linting, "_source", lambda *_: None)
        yield
