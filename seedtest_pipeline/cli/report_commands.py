"""What the commands about finished reports do: where one is, which go, and whether files and rows agree."""

import datetime as dt
import shlex
import webbrowser
from collections.abc import Sequence
from dataclasses import asdict
from itertools import zip_longest

import typer

from assets.publishing import consistency_check, retention
from assets.publishing.consistency_check import Compared
from resources.artifacts.links import Link
from resources.artifacts.store import report_key
from resources.database.engine import transaction
from resources.database.queries import report_artifacts
from resources.database.queries.report_artifacts import ReportArtifact
from resources.errors import InvalidInput
from resources.model import Format, Week
from seedtest_pipeline.terminal import ERR, OUT, bars, table
from seedtest_pipeline.wiring import Parts

_NAMED = 20  # files that a message names; the counts are always whole


def report(
    parts: Parts, user: str, week: Week, form: Format | None, *, link: bool, open_it: bool, as_json: bool
) -> None:
    """In every format, or in one."""
    with transaction(parts.engine) as connection:
        made = report_artifacts.of_week(connection, week, [user])
    rows = [row for row in made if form in (None, row.format)]
    if not rows:
        raise _not_made(user, week, form, [row.format for row in made])
    links = _links(parts, rows) if link or open_it else []
    if as_json:
        shown: list[dict[str, object]] = [
            {"format": row.format, "url": row.url, "sha256": row.sha256, **_described(to_it)}
            for row, to_it in zip_longest(rows, links)
        ]
        OUT.print_json(data={"user": user, "week": week.key, "reports": shown})
    else:
        for place in links if link else rows:
            OUT.print(place.url, highlight=False)
    if open_it and not webbrowser.open(links[0].url):
        ERR.print("No browser was found here: open the address by hand.")


def _not_made(user: str, week: Week, form: Format | None, others: Sequence[str]) -> InvalidInput:
    remedy = f"seedtest run --week {week} --user {shlex.quote(user)}"
    if others:
        return InvalidInput(
            f"There is no {form} report of {user!r} for {week}, but {', '.join(others)}",
            remedy=f"REPORT_FORMATS says what is made. Add {form} to it, then: {remedy}",
        )
    return InvalidInput(f"There is no report of {user!r} for {week}.", remedy=f"Make it: {remedy}")


def _described(link: Link | None) -> dict[str, object]:
    if link is None:
        return {}
    return {"link": link.url, "expires_at": link.expires_at and link.expires_at.isoformat()}


def _links(parts: Parts, rows: Sequence[ReportArtifact]) -> list[Link]:
    keys = [report_key(row.week, row.user_id, row.format) for row in rows]
    for row, key in zip(rows, keys, strict=True):
        if row.url != (here := parts.artifacts.address(key)):
            remedy = f"seedtest run --week {row.week} --user {shlex.quote(row.user_id)}"
            raise InvalidInput(
                f"This report is at {row.url}, and links lead to {here}.", remedy=f"Make it there: {remedy}"
            )
    return parts.links.of(keys, parts.settings.report_link_secs)


def prune(parts: Parts, before: dt.date, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Says what would go, asks, and does it."""
    with bars() as progress:
        old = []
        for of_week in retention.outdated(parts.engine, parts.artifacts, before):
            old.append((of_week.week.key, len(of_week.files), len(of_week.rows)))
            progress("weeks found", len(old), len(old))
    if not as_json and old:
        columns = ("week", "rows", "files")
        table(f"Reports of weeks that were over by {before}", columns, [(w, f"{r:,}", f"{f:,}") for w, f, r in old])
    n_files, n_rows = sum(files for _, files, _ in old), sum(rows for _, _, rows in old)
    if n_files + n_rows == 0:
        ERR.print(f"There is no report of a week that was over by {before}.", highlight=False)
    elif not dry_run:
        if not yes:
            typer.confirm(f"Delete {n_files:,} files and {n_rows:,} rows for good?", abort=True, err=True)
        with bars() as progress:
            for of_week in retention.outdated(parts.engine, parts.artifacts, before):
                retention.remove(parts.engine, parts.artifacts, of_week, progress)
    if as_json:
        weeks = [{"week": week, "files": files, "rows": rows} for week, files, rows in old]
        OUT.print_json(data={"before": before.isoformat(), "deleted": not dry_run, "weeks": weeks})


def check(parts: Parts, *, hashes: bool, as_json: bool) -> bool:
    """Whether files and rows agree everywhere."""
    with bars() as progress:
        compared = list(consistency_check.compare(parts.engine, parts.artifacts, progress, hashes=hashes))
    apart = [of_week for of_week in compared if not of_week.agree]
    if as_json:
        OUT.print_json(data=[{**asdict(of_week), "week": of_week.week.key} for of_week in compared])
    else:
        _show(compared, apart)
    if apart:
        last = f" --through {apart[-1].week}" if len(apart) > 1 else ""
        ERR.print(
            f"Make what is missing or altered, and record what is not: seedtest run --week {apart[0].week}{last}. "
            "Files of learners who are gone stay unrecorded, until `seedtest artifacts prune`.",
            highlight=False,
        )
    return not apart


def _show(compared: Sequence[Compared], apart: Sequence[Compared]) -> None:
    for of_week in apart:
        for fault, keys in (
            ("row without file", of_week.missing),
            ("file is not the row's", of_week.altered),
            ("file without row", of_week.unrecorded),
        ):
            for key in keys[:_NAMED]:
                OUT.print(f"[red]{fault}[/] {key}", highlight=False)
            if len(keys) > _NAMED:
                OUT.print(f"and {len(keys) - _NAMED:,} more of {of_week.week}", highlight=False)
    rows, files = sum(of_week.rows for of_week in compared), sum(of_week.files for of_week in compared)
    OUT.print(f"{rows:,} rows and {files:,} files in {len(compared):,} weeks, {len(apart):,} at fault", highlight=False)
    if elsewhere := sum(of_week.elsewhere for of_week in compared):
        OUT.print(f"{elsewhere:,} rows name files in another store: not examined", highlight=False)
