"""Commands that make a week: `run` for the learners, `classes` for their teachers, `cohort` for the staff."""

import webbrowser
from typing import Annotated

import typer

from seedtest_pipeline.cli import options, outcome, startup
from seedtest_pipeline.cli.options import AsJson, Link, OpenIt, WeekOption
from seedtest_pipeline.terminal import ERR, OUT, bars


def run(
    week: WeekOption,
    through: Annotated[
        str | None, typer.Option(metavar="MONDAY", help="Run all weeks from --week to this one.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Only this user, by the platform's id.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a week: responses, abilities and reports, as the schedule does."""
    first, last = options.week(week), options.week(through or week, "--through")
    if last < first:
        raise typer.BadParameter(f"{last} is before --week {first}.", param_hint="--through")
    from seedtest_pipeline.runs import Runner

    parts = startup.parts()
    with bars() as progress:
        made = Runner(parts, progress).weeks(list(first.through(last)), user)
    outcome.show(made, as_json)
    if not as_json:
        outcome.show_a_report(parts, last, user)


def cohort(week: WeekOption, link: Link = False, open_it: OpenIt = False, as_json: AsJson = False) -> None:
    """Make the staff's report of a week from its estimates, and print where it is. Needs Quarto and R."""
    of_week = options.week(week)
    from resources.reports import cohort_document

    if lacking := cohort_document.lacking():
        ERR.print(f"No cohort report is made here. {lacking}", highlight=False)
        if as_json:
            OUT.print_json(data={"week": of_week.key, "reports": {}, "skipped": lacking})
        return
    from assets.cohort_reports import REPORT, cohort_key
    from seedtest_pipeline.runs import Runner

    parts = startup.parts()
    with bars() as progress:
        made = Runner(parts, progress).cohort(of_week).metadata["cohort_reports"]
    urls = {name.removeprefix(REPORT): str(value.value) for name, value in made.items() if name.startswith(REPORT)}
    links = {
        version: parts.links.of([cohort_key(of_week, version)], parts.settings.report_link_secs)[0].url
        for version in (urls if link or open_it else ())
    }
    shown = links if link else urls
    if as_json:
        OUT.print_json(data={"week": of_week.key, "reports": shown, "skipped": None})
    for url in () if as_json else shown.values():
        OUT.print(url, highlight=False)
    if open_it and not all(webbrowser.open(url) for url in links.values()):
        ERR.print("No browser was found here: open the address by hand.")


def classes(
    week: WeekOption,
    group: Annotated[str | None, typer.Option(help="Only this group, as `seedtest groups` was told.")] = None,
    link: Link = False,
    open_it: OpenIt = False,
    as_json: AsJson = False,
) -> None:
    """Make the class reports of a week from its estimates, and print where they are."""
    of_week = options.week(week)
    if open_it and group is None:
        raise typer.BadParameter("name the class to open by --group.", param_hint="--open")
    from assets.class_reports import NO_GROUPS
    from resources.artifacts.store import class_report_key
    from resources.database.engine import transaction
    from resources.database.queries.learners import learner_groups
    from resources.database.queries.reports import class_reports
    from resources.errors import InvalidInput
    from seedtest_pipeline.runs import Runner

    parts = startup.parts()
    with transaction(parts.engine) as connection:
        if not learner_groups.any_told(connection):
            raise InvalidInput(NO_GROUPS)
    with bars() as progress:
        Runner(parts, progress).classes(of_week, group)
    with transaction(parts.engine) as connection:
        rows = [row for row in class_reports.of_week(connection, of_week) if group in (None, row.group)]
    urls = [row.url for row in rows]
    if link or open_it:
        keys = [class_report_key(row.week, row.group, row.format) for row in rows]
        urls = [to_it.url for to_it in parts.links.of(keys, parts.settings.report_link_secs)]
    shown = [{"group": row.group, "format": row.format, "url": url} for row, url in zip(rows, urls, strict=True)]
    if as_json:
        OUT.print_json(data={"week": of_week.key, "reports": shown})
    for one in () if as_json else shown:
        OUT.print(f"{one['group']}: {one['url']}" if group is None else one["url"], highlight=False, markup=False)
    if open_it and not webbrowser.open(urls[0]):
        ERR.print("No browser was found here: open the address by hand.")
