"""GET /classes, the reports of one, and the way to a report: for services, and for a teacher of his own groups."""

from itertools import groupby
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Header, Query
from fastapi.routing import APIRoute
from starlette.responses import Response

from resources.artifacts.store import class_report_key
from resources.database.engine import transaction
from resources.database.queries.learners import learner_groups
from resources.database.queries.reports import class_reports
from resources.errors import ArtifactMissing
from resources.model import ClassArtifact, Week
from seedtest_pipeline.api.auth.authorization import ClassReader
from seedtest_pipeline.api.auth.caller import Forbidden
from seedtest_pipeline.api.auth.scopes import ANYBODY
from seedtest_pipeline.api.problems import described
from seedtest_pipeline.api.routes.handing_out import address, handed_out
from seedtest_pipeline.api.routes.reports import Monday
from seedtest_pipeline.api.schemas import Classes, ClassReports, PathId, Report, ReportLink, ReportWeek
from seedtest_pipeline.api.service import Service


def build(service: Service, authenticated: type[APIRoute]) -> APIRouter:
    router = APIRouter(route_class=authenticated, tags=["classes"])

    @router.get("/classes", operation_id="listClasses", responses=described(401, 403, 429, 500, 503))
    async def classes(teacher: ClassReader) -> Classes:
        """The groups that have a class report.

        With `analysis:run` all of them, with `class:read` those that the token's subject teaches."""
        return Classes(groups=await service.work(_groups, service, teacher))

    @router.get(
        "/classes/{group}/reports",
        operation_id="listClassReports",
        responses=described(401, 403, 422, 429, 500, 503),
    )
    async def reports(group: PathId, teacher: ClassReader) -> ClassReports:
        """The weeks that have a report of the group, with its formats. A group that never got one has no weeks.

        With `analysis:run` of any group, with `class:read` of those that the token's subject teaches."""
        found = await service.work(_found, service, teacher, group)
        return ClassReports(
            group=group,
            weeks=[
                ReportWeek(week=week.start, reports=[_report(service, row) for row in rows])
                for week, rows in groupby(found, lambda row: row.week)
            ],
        )

    @router.get(
        "/classes/{group}/reports/{week}",
        operation_id="getClassReport",
        response_model=ReportLink,
        responses={
            200: {"content": {"text/html": {}, "application/pdf": {}}},
            302: {"description": "To a link that opens the report for some minutes."},
            **described(401, 403, 404, 422, 429, 500, 503),
        },
    )
    async def report(
        group: PathId,
        week: Monday,
        teacher: ClassReader,
        format: Annotated[Literal["html", "pdf"], Query()] = "html",  # noqa: A002 - the parameter's name
        accept: Annotated[str, Header()] = "*/*",
    ) -> Response:
        """A redirect to a short-lived link, the link, or the report itself, as a learner's report.

        With `analysis:run` of any group, with `class:read` of those that the token's subject teaches."""
        rows = await service.work(_found, service, teacher, group, Week(week))
        found = next((row for row in rows if row.format == format), None)
        key = class_report_key(Week(week), group, format)
        if found is None or found.url != service.artifacts.address(key):  # or kept in another store than this one
            raise ArtifactMissing(f"No {format} report of this group and week here.")
        return await handed_out(service, key, format, href=_href(service, found), accept=accept)

    return router


def _groups(service: Service, teacher: str | None) -> list[str]:
    with transaction(service.engine) as connection:
        groups = class_reports.groups(connection)
        return (
            groups if teacher is None else sorted({*groups}.intersection(learner_groups.taught_by(connection, teacher)))
        )


def _found(service: Service, teacher: str | None, group: str, week: Week | None = None) -> list[ClassArtifact]:
    """Raises Forbidden of a group that the teacher does not teach, whether or not there is one of that name."""
    with transaction(service.engine) as connection:
        if teacher is not None and group not in learner_groups.taught_by(connection, teacher):
            raise Forbidden(ANYBODY)
        return class_reports.of_group(connection, group, week)


def _report(service: Service, row: ClassArtifact) -> Report:
    return Report(format=row.format, generated_at=row.generated_at, href=_href(service, row))


def _href(service: Service, row: ClassArtifact) -> str:
    return address(
        service, f"/classes/{quote(row.group, safe='')}/reports/{row.week}?format={quote(row.format, safe='')}"
    )
