"""GET /users/{user_id}/reports/index.html: a page of a learner's weeks for a browser, from the reports' rows alone.

Its links are this API's own, so they work whatever store the reports lie in.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.responses import Response

from resources.database.engine import transaction
from resources.database.queries.learners import learner_groups
from resources.database.queries.reports import report_artifacts
from resources.model import SYNTHETIC, Edition, Language, ReportArtifact
from seedtest_pipeline.api.auth.authorization import AskedReports, EditionsReader
from seedtest_pipeline.api.auth.caller import Forbidden
from seedtest_pipeline.api.auth.scopes import ANYBODY
from seedtest_pipeline.api.problems import described
from seedtest_pipeline.api.routes.handing_out import PAGE_HEADERS
from seedtest_pipeline.api.schemas import PathId
from seedtest_pipeline.api.service import Service


@dataclass(frozen=True)
class _Words:
    """Of this page alone: the reports' catalogue comes with libraries that the API does without."""

    title: str
    through: str
    none: str
    editions: Mapping[Edition, str]
    synthetic: str


_WORDS: dict[Language, _Words] = {
    "en": _Words(
        "Weekly reports",
        "{} to {}",
        "There is no report yet.",
        {"family": "For the family", "teacher": "For the teacher"},
        "Synthetic data, invented for a demonstration.",
    ),
    "ko": _Words(
        "주간 학습 보고서 목록",
        "{} ~ {}",
        "아직 보고서가 없어요.",
        {"family": "가족용", "teacher": "교사용"},
        "시연을 위해 만든 가상 자료입니다.",
    ),
}
_STYLE = """
html { color-scheme: light dark; }
body { max-width: 40rem; margin: 0 auto; padding: 2rem 1.25rem; font: 1rem/1.6 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.2; } p { overflow-wrap: anywhere; }
ul { padding: 0; list-style: none; }
li { padding: .6rem 0; border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
a { display: inline-block; margin-right: 1rem; padding: .25rem 0; }
"""


def build(service: Service, authenticated: type[APIRoute]) -> APIRouter:
    router = APIRouter(route_class=authenticated, tags=["users"])

    @router.get(
        "/users/{user_id}/reports/index.html",
        operation_id="getReportIndex",
        response_class=Response,
        responses={200: {"content": {"text/html": {}}}, **described(401, 403, 422, 429, 500, 503)},
    )
    async def index(user_id: PathId, asked: EditionsReader) -> Response:
        """The learner's weeks as a page, the newest first, with a link to each report of the editions that the caller
        may read: whose they are is as in the list of reports."""
        rows, name = await service.work(_found, service, user_id, asked)
        page = _page(rows, user_id, name, service.settings.report_lang)
        return Response(page.encode(), headers=PAGE_HEADERS["html"])

    return router


def _found(service: Service, user_id: str, asked: Sequence[AskedReports]) -> tuple[list[ReportArtifact], str | None]:
    """Raises Forbidden where all that is left is the teacher's edition, of a learner whom the caller does not teach."""
    with transaction(service.engine) as connection:
        editions = {
            one.edition
            for one in asked
            if one.teacher is None or learner_groups.teaches(connection, one.teacher, user_id)
        }
        if not editions:
            raise Forbidden(ANYBODY)
        name = learner_groups.names(connection, [user_id]).get(user_id)
        return [row for row in report_artifacts.of_user(connection, user_id) if row.edition in editions], name


def _page(rows: Sequence[ReportArtifact], user_id: str, name: str | None, language: Language) -> str:
    words = _WORDS[language]
    shown = escape(name or user_id)
    weeks = [
        f"<li>{words.through.format(week, week.start + dt.timedelta(days=6))}<br>"
        + "<br>".join(_links(list(of_edition), words) for _, of_edition in groupby(of_week, lambda row: row.edition))
        + "</li>"
        for week, of_week in groupby(rows, lambda row: row.week)
    ]
    body = f"<ul>{''.join(weeks)}</ul>" if weeks else f"<p>{words.none}</p>"
    note = f"<p>{words.synthetic}</p>" if user_id.startswith(SYNTHETIC) else ""
    return (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"><title>{words.title}, {shown}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<style>{_STYLE}</style></head><body><main><h1>{words.title}</h1>{note}"
        f'<p dir="auto">{shown}</p>{body}</main></body></html>'
    )


def _links(reports: Sequence[ReportArtifact], words: _Words) -> str:
    """To a week's reports of one edition, whose name stands before any but the learner's own."""
    edition = reports[0].edition
    query = "" if edition == "learner" else f"&amp;edition={edition}"
    said = f"{words.editions[edition]}: " if edition in words.editions else ""
    return said + "".join(
        f'<a href="{one.week}?format={escape(one.format)}{query}">{escape(one.format.upper())}</a>' for one in reports
    )
