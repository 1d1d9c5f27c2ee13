"""What the night would give an estimator, of another study."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.making.engine import bind_objects, engine
from pipelines.project.study import Study
from pipelines.report.estimation import Estimation
from pipelines.store import Place
from tests.atlas import Atlas


@contextmanager
def estimation_of(atlas: Atlas, study: Study) -> Iterator[Estimation]:
    """The accepted people of the synthetic survey, and a study."""
    project = atlas.project
    source = project.sources["synthetic_survey"]
    place = Place("core", "respondents", source.source, "2024")
    accepted = project.store.accepted(place)
    assert accepted is not None
    assert accepted.content
    with engine(project.settings) as connection:
        bind_objects(connection, project.contracts[study.respondents], [project.store.path(place, accepted.content)])
        yield Estimation(connection, study.respondents, study, source, ["2024"], project.comparability_of(source))
