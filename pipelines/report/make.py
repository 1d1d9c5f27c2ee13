"""Making report tables: the rows of one source by the table's estimator, or by its select."""

from pipelines.making.build import Built, build
from pipelines.project.project import Project
from pipelines.report.by_select import by_select
from pipelines.report.estimated import estimated
from pipelines.report.plan import plan_report
from pipelines.store import Place


def build_report(project: Project, place: Place) -> Built:
    """Bring the rows of one source in a report table up to date and accept them, or keep the accepted ones and say why."""
    return build(project, plan_report(project, place), "estimate", by_select if place.name in project.selects else estimated)
