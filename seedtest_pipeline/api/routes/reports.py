"""GET /users/{user_id}/reports, and one of them."""

import datetime as dt
from itertools import groupby
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Header, Query
from fastapi.routing import APIRoute
from pydantic import AfterValidator, BeforeValidator
from starlette.responses import Response

from resources.artifacts.store import report_key
from resources.database.engine import transaction
from resources.database.queries import report_artifacts
from resources.errors import ArtifactMissing, InvalidInput
from resources.model import ReportArtifact, Week
from seedtest_pipeline.api.auth.authorization import ReadableUser
from seedtest_pipeline.api.problems import described
from seedtest_pipeline.api.routes.handing_out import handed_out
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

    @router.get("/users/{user_id}/reports", responses=described(401, 403, 422, 429, 500, 503))
    async def reports(user_id: ReadableUser) -> UserReports:
        """The weeks that have a report, with its formats. Who never got one has no weeks.

        With `analysis:run` for any user, with `report:read` for the token's own subject."""
        found = await service.work(_found, service, user_id)
        return UserReports(
            user_id=user_id,
            weeks=[
                ReportWeek(week=week.start, reports=[_report(row) for row in rows])
                for week, rows in groupby(found, lambda row: row.week)
            ],
        )

    @router.get(
        "/users/{user_id}/reports/{week}",
        response_model=ReportLink,
        responses={
            200: {"content": {"text/html": {}, "application/pdf": {}}},
            302: {"description": "To a link that opens the report for some minutes."},
            **described(401, 403, 404, 422, 429, 500, 503),
        },
    )
    async def report(
        user_id: ReadableUser,
        week: Monday,
        format: Annotated[Literal["html", "pdf"], Query()] = "html",  # noqa: A002 - the parameter's name
        accept: Annotated[str, Header()] = "*/*",
    ) -> Response:
        """A redirect to a short-lived link; with `Accept: application/json` the link itself. Reports that are kept in a
        folder have no such link: they come from here.

        With `analysis:run` for any user, with `report:read` for the token's own subject."""
        found = next((row for row in await service.work(_found, service, user_id, Week(week))
                      if row.format == format), None)  # fmt: skip
        key = report_key(Week(week), user_id, format)
        if found is None or found.url != service.artifacts.address(key):  # or kept in another store than this one
            raise ArtifactMissing(f"No {format} report of this user and week here.")
        return await handed_out(service, key, format, href=_href(found), accept=accept)

    return router


def _found(service: Service, user_id: str, week: Week | None = None) -> list[ReportArtifact]:
    with transaction(service.engine) as connection:
        return report_artifacts.of_user(connection, user_id, week)


def _report(row: ReportArtifact) -> Report:
    return Report(format=row.format, generated_at=row.generated_at, href=_href(row))


def _href(row: ReportArtifact) -> str:
    """Without a host: what the caller reached us by, we do not know."""
    return f"/users/{quote(row.user_id, safe='')}/reports/{row.week}?format={quote(row.format, safe='')}"
