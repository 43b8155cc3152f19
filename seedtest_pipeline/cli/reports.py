"""The command `report`: where a learner's reports are, links that open them, and an edition that is not stored."""

import shlex
import webbrowser
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from resources.errors import InvalidInput
from seedtest_pipeline.cli import options, startup
from seedtest_pipeline.cli.options import AsJson, Link, OpenIt
from seedtest_pipeline.terminal import ERR, OUT

if TYPE_CHECKING:
    from resources.artifacts import links
    from resources.model import Edition, Format, ReportArtifact, Week
    from seedtest_pipeline.wiring import Parts


def report(
    user: Annotated[str, typer.Option(help="The user, by the platform's id.")],
    week: Annotated[str | None, typer.Option(metavar="MONDAY", help="The week, as its Monday: 2025-01-06.")] = None,
    all_weeks: Annotated[bool, typer.Option("--list", help="All weeks that have a report, the newest first.")] = False,
    form: Annotated[Literal["html", "pdf", "eml"] | None, typer.Option("--format", help="Only this format.")] = None,
    edition: Annotated[
        Literal["learner", "teacher", "family"],
        typer.Option(help="For whom. What is not stored is made now, in this folder."),
    ] = "learner",
    link: Link = False,
    open_it: OpenIt = False,
    as_json: AsJson = False,
) -> None:
    """Print where a learner's report of a week is, or of every week.

    Of an edition that is not stored (REPORT_EDITIONS), write the week's to a file in this folder, and print where.
    """
    if (week is None) != all_weeks:
        raise typer.BadParameter("name one week, or use --list for all.", param_hint="--week")
    of_week = options.week(week) if week else None
    from resources.database.engine import transaction
    from resources.database.queries.reports import report_artifacts

    parts = startup.parts()
    with transaction(parts.engine) as connection:
        made = report_artifacts.of_user(connection, user, of_week, edition)
    rows = [row for row in made if form in (None, row.format)]
    if not rows and edition != "learner" and of_week and not (link or as_json):
        _write_here(parts, user, of_week, form or "html", edition, open_it)
        return
    if not rows:
        raise _not_made(user, of_week, edition, form, [row.format for row in made])
    to_them = _links(parts, rows) if link or open_it else []
    if as_json:
        shown: list[dict[str, object]] = [
            {
                "week": row.week.key, "format": row.format, "url": row.url, "sha256": row.sha256,
                **_described(to_it),
            }
            for row, to_it in zip_longest(rows, to_them)
        ]  # fmt: skip
        OUT.print_json(data={"user": user, **({"week": of_week.key} if of_week else {}), "reports": shown})
    else:
        urls = [to_it.url for to_it in to_them] if link else [row.url for row in rows]
        for row, url in zip(rows, urls, strict=True):
            OUT.print(f"{row.week}  {url}" if all_weeks else url, highlight=False, markup=False)
    if open_it:
        _open(to_them[0].url)


def _write_here(parts: "Parts", user: str, of_week: "Week", form: "Format", edition: "Edition", open_it: bool) -> None:
    from assets.publishing.report_on_demand import ReportOnDemand
    from resources import atomic_file
    from resources.model import Week, safe_key

    first_week = Week(parts.settings.first_week)
    source = ReportOnDemand(
        parts.engine, parts.warehouse, first_week, parts.user_keys, parts.rules, parts.bank_choice, parts.settings.scale
    )
    page, lost = source.page(of_week, user, parts.compile_templates(form)[form], edition)
    file = Path.cwd() / f"{of_week}-{safe_key(user)}-{edition}.{form}"
    try:
        atomic_file.write(file, page, mode=0o600)
    except OSError as error:
        raise InvalidInput(
            f"{file} cannot be written ({error.strerror})", remedy="go to a folder that you may write to."
        ) from error
    OUT.print(str(file), highlight=False, markup=False, soft_wrap=True)
    if lost:
        ERR.print(f"No font of this machine has {' '.join(sorted(lost))}: shown as replaced.", markup=False)
    if open_it:
        _open(file.as_uri())


def _open(url: str) -> None:
    if not webbrowser.open(url):
        ERR.print("No browser was found here: open the address by hand.")


def _not_made(
    user: str, week: "Week | None", edition: "Edition", form: "Format | None", others: Sequence[str]
) -> InvalidInput:
    if week is None:
        return InvalidInput(
            f"There is no {form + ' ' if form else ''}report of {user!r}",
            remedy="see that the id is the platform's, and that their weeks were run.",
        )
    if edition != "learner":
        return InvalidInput(
            f"No {edition}'s edition is stored of {user!r} for {week}",
            remedy=f"REPORT_EDITIONS says for whom reports are made. Add {edition} to it, and run the week.",
        )
    remedy = f"seedtest run --week {week} --user {shlex.quote(user)}"
    if others:
        return InvalidInput(
            f"There is no {form} report of {user!r} for {week}, but {', '.join(others)}",
            remedy=f"REPORT_FORMATS says what is made. Add {form} to it, then: {remedy}",
        )
    return InvalidInput(f"There is no report of {user!r} for {week}.", remedy=f"Make it: {remedy}")


def _described(link: "links.Link | None") -> dict[str, object]:
    if link is None:
        return {}
    return {"link": link.url, "expires_at": link.expires_at and link.expires_at.isoformat()}


def _links(parts: "Parts", rows: "Sequence[ReportArtifact]") -> "list[links.Link]":
    from resources.artifacts.store import report_key

    keys = [report_key(row.week, row.user_id, row.format, row.edition) for row in rows]
    for row, key in zip(rows, keys, strict=True):
        if row.url != (here := parts.artifacts.address(key)):
            remedy = f"seedtest run --week {row.week} --user {shlex.quote(row.user_id)}"
            raise InvalidInput(
                f"This report is at {row.url}, and links lead to {here}.", remedy=f"Make it there: {remedy}"
            )
    return parts.links.of(keys, parts.settings.report_link_secs)
