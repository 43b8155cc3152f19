"""GET /users/{user_id}/reports, and one of them: of the learner's own edition, or of another."""

import datetime as dt
from itertools import groupby
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Header, Query
from fastapi.routing import APIRoute
from pydantic import AfterValidator, BeforeValidator
from starlette.responses import Response

from resources.artifacts.store import report_key
from resources.database.engine import transaction
from resources.database.queries.learners import learner_groups
from resources.database.queries.reports import report_artifacts
from resources.errors import ArtifactMissing, InvalidInput
from resources.model import Format, ReportArtifact, Week, kind
from seedtest_pipeline.api.auth.authorization import AskedReports, EditionReader
from seedtest_pipeline.api.auth.caller import Forbidden
from seedtest_pipeline.api.auth.scopes import ANYBODY
from seedtest_pipeline.api.problems import described
from seedtest_pipeline.api.routes.handing_out import address, handed_out
from seedtest_pipeline.api.schemas import Report, ReportLink, ReportWeek, UserReports
from seedtest_pipeline.api.service import Service


def _written_as_a_date(value: object) -> object:
    """Digits alone would be seconds since 1970: 1736121600 is a Monday, too."""
    if isinstance(value, str) and "-" not in value:
        raise ValueError("is no date: write a week as its Monday, such as 2025-01-06")
    return value


def _monday(day: dt.date) -> dt.date:
    try:
        return Week(day).start
    except InvalidInput as error:
        raise ValueError(str(error)) from error


Monday = Annotated[dt.date, BeforeValidator(_written_as_a_date), AfterValidator(_monday)]


def build(service: Service, authenticated: type[APIRoute]) -> APIRouter:
    router = APIRouter(route_class=authenticated, tags=["users"])

    @router.get(
        "/users/{user_id}/reports",
        operation_id="listReports",
        responses=described(401, 403, 422, 429, 500, 503),
    )
    async def reports(asked: EditionReader) -> UserReports:
        """The weeks that have a report of this edition, with its formats. Who never got one has no weeks.

        With `analysis:run` for any user, with `report:read` for the token's own subject; of the edition `teacher` with
        `class:read` for learners whom the token's subject teaches."""
        found = await service.work(_found, service, asked)
        return UserReports(
            user_id=asked.user_id,
            weeks=[
                ReportWeek(week=week.start, reports=[_report(service, row) for row in rows])
                for week, rows in groupby(found, lambda row: row.week)
            ],
        )

    @router.get(
        "/users/{user_id}/reports/{week}",
        operation_id="getReport",
        response_model=ReportLink,
        responses={
            200: {"content": {"text/html": {}, "application/pdf": {}, "message/rfc822": {}}},
            302: {"description": "To a link that opens the report for some minutes."},
            **described(401, 403, 404, 422, 429, 500, 503),
        },
    )
    async def report(
        asked: EditionReader,
        week: Monday,
        format: Annotated[Format, Query()] = "html",  # noqa: A002 - the parameter's name
        accept: Annotated[str, Header()] = "*/*",
    ) -> Response:
        """A redirect to a short-lived link; with `Accept: application/json` the link itself. Reports that are kept in a
        folder have no such link: they come from here.

        Who may read it is as in the list of reports."""
        rows = await service.work(_found, service, asked, Week(week))
        found = next((row for row in rows if row.format == format), None)
        key = report_key(Week(week), asked.user_id, format, asked.edition)
        if found is None or found.url != service.artifacts.address(key):  # or kept in another store than this one
            raise ArtifactMissing(f"No {kind(asked.edition, format)} report of this user and week here.")
        return await handed_out(service, key, format, href=_href(service, found), accept=accept)

    return router


def _found(service: Service, asked: AskedReports, week: Week | None = None) -> list[ReportArtifact]:
    """Raises Forbidden of a learner whom the teacher does not teach, whether or not there is one of that id."""
    with transaction(service.engine) as connection:
        if asked.teacher is not None and not learner_groups.teaches(connection, asked.teacher, asked.user_id):
            raise Forbidden(ANYBODY)
        return report_artifacts.of_user(connection, asked.user_id, week, asked.edition)


def _report(service: Service, row: ReportArtifact) -> Report:
    return Report(format=row.format, generated_at=row.generated_at, href=_href(service, row))


def _href(service: Service, row: ReportArtifact) -> str:
    edition = "" if row.edition == "learner" else f"&edition={row.edition}"
    path = f"/users/{quote(row.user_id, safe='')}/reports/{row.week}?format={quote(row.format, safe='')}{edition}"
    return address(service, path)
