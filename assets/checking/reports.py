"""Checks of the reports: up to date, stored as their rows say, and made in time."""

import datetime as dt
from collections.abc import Callable

import sqlalchemy as sa

from assets.checking.finding import Finding, named
from assets.selection import Selection
from assets.user_keys import UserKeys
from resources.artifacts.store import ArtifactStore, report_key
from resources.database.engine import transaction
from resources.database.queries.reports import report_artifacts, reported_weeks
from resources.database.queries.sessions import attempts
from resources.model import Week

SAMPLE = 30  # files that are read again: each is a request where they are in S3


def up_to_date(engine: sa.Engine) -> Finding:
    """No report tells a history that has changed since; of all weeks, from a few rows."""
    with transaction(engine) as connection:
        found = reported_weeks.outdated(connection)
    if not found:
        return Finding("passed", "Every report rests on the abilities that are stored now.")
    places = [f"{key}|{week}" for week, keys in found.items() for key in keys]
    return Finding(
        "warning",
        f"Reports of {len(places):,} partitions tell a history that has changed since: {named(places)}. The next run "
        "over the same user keys makes them again, of whatever week; or run them now.",
        {"partitions out of date": len(places)},
    )


def stored(engine: sa.Engine, store: ArtifactStore, chosen: Selection) -> Finding:
    """The files of a sample of the weeks' rows are there, with the bytes that the rows tell."""
    with transaction(engine) as connection:
        sample = report_artifacts.sample(connection, chosen.weeks, SAMPLE)
    ours = [(row, report_key(row.week, row.user_id, row.format, row.edition)) for row in sample]
    ours = [(row, key) for row, key in ours if row.sha256 and row.url == store.address(key)]
    bad = [key for row, key in ours if store.sha256(key) != row.sha256]
    numbers: dict[str, int | float | str] = {"files looked at": len(ours), "missing or altered": len(bad)}
    if not bad:
        return Finding("passed", f"{len(ours)} files of a sample are as their rows say.", numbers)
    return Finding(
        "failed",
        f"{len(bad)} of {len(ours)} files are missing or altered: {named(bad)}. See them all with `seedtest artifacts "
        "check --hashes`, and run the weeks again.",
        numbers,
    )


def made_in_time(
    engine: sa.Engine, keys: UserKeys, first_week: Week, made_by: Callable[[Week], dt.datetime], now: dt.datetime
) -> Finding:
    """The newest week that should be made by now has its reports for everybody who answered in it."""
    week = Week.last_complete(now)
    if now < made_by(week):
        week = week.plus(-1)
    if week < first_week:
        return Finding("passed", f"{week} is before the first week, {first_week}.")
    with transaction(engine) as connection:
        expected = {keys.key_of(user) for user in attempts.users_between(connection, week.begins_at, week.ends_at)}
        made = set(reported_weeks.made(connection, week))
    late = sorted(expected - made)
    numbers: dict[str, int | float | str] = {"user keys with answers": len(expected), "not made": len(late)}
    if not late:
        return Finding("passed", f"{week} is made for all {len(expected):,} user keys with answers.", numbers)
    return Finding(
        "failed",
        f"{week} is not made for {len(late):,} of {len(expected):,} user keys: {named(late)}. See whether the schedule "
        f"`weekly` and the daemon run, and which run failed; then `seedtest run --week {week}`.",
        numbers,
    )
