"""One line per part: does it work, and if not, what to do."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from resources.database.address import address
from resources.database.engine import require_writable, transaction
from resources.database.queries import dagster_history, platform_tables
from resources.database.queries.items import item_banks
from resources.database.queries.sessions import attempts
from resources.database.schema import privileges, readers, revision
from resources.database.session import is_pooled
from resources.errors import InvalidInput, OperatorRequired, SeedtestError
from resources.reports import cohort_document
from resources.reports.document.compile import compiler
from resources.reports.document.typeset import check_fonts
from seedtest_pipeline import former_settings as former
from seedtest_pipeline.settings import set_by_environment
from seedtest_pipeline.wiring import Parts

# Each part of a living daemon gives a sign of life every half minute; one that works hard, within half an hour.
_SILENT = dt.timedelta(minutes=5)
_STUCK = dt.timedelta(minutes=30)
_WORKING_PARTS = {"SCHEDULER", "SENSOR", "QUEUED_RUN_COORDINATOR", "MONITORING", "EVENT_LOG_CONSUMER"}
_FAILURES_OF = dt.timedelta(days=7)

_PATIENCE_S = 2.5  # for one answer; twice that with all retries


@dataclass(frozen=True)
class Finding:
    """`detail` is the part's state, or what is wrong and the remedy. `there` is false of what is not needed and is not
    there: nothing is broken, and nothing works."""

    part: str
    ok: bool
    detail: str
    there: bool = True


class _NotThere(Exception):  # noqa: N818 - no fault
    """A part that one can do without."""


def examine(parts: Parts) -> Iterator[Finding]:
    """Findings one by one, since some take a second; a broken part never hides others than those that rest on it."""
    usable = True
    for part, look in (
        ("database", _database), ("migrations", _migrations), ("rights", _rights), ("predecessor", _predecessor),
        ("item bank", _bank), ("users", _users),
        ("daemon", _daemon), ("runs", _runs),
    ):  # fmt: skip
        if not usable:
            yield Finding(part, False, "not examined: it rests on what is broken above")
            continue
        finding = _finding(part, look, parts)
        usable = finding.ok or part not in ("database", "migrations", "rights")
        yield finding
    yield _finding("estimator", _estimator, parts)
    yield _finding("report compiler", lambda _: compiler(), parts)
    if "pdf" in parts.settings.report_formats:
        yield _finding("fonts for PDF", _fonts, parts)
    yield _finding("cohort report", _cohort_report, parts)
    yield _finding("artifact store", _artifacts, parts)


def _finding(part: str, look: Callable[[Parts], str], parts: Parts) -> Finding:
    try:
        return Finding(part, True, look(parts))
    except _NotThere as what:
        return Finding(part, True, str(what), there=False)
    except (SeedtestError, OSError) as error:
        return Finding(part, False, str(error))


def _database(parts: Parts) -> str:
    with transaction(parts.bare_engine) as connection:
        version = connection.execute(sa.text("SHOW server_version")).scalar_one()
        pooler = ", behind a pooler" if is_pooled(connection) else ""
    require_writable(parts.bare_engine)
    kind = "DATABASE_URL" if parts.settings.database_url else "embedded"
    return f"PostgreSQL {version} ({kind}) at {address(parts.bare_engine.url)}{pooler}"


def _migrations(parts: Parts) -> str:
    return f"at head, {revision.state(parts.engine).current}"


def _rights(parts: Parts) -> str:
    with transaction(parts.engine) as connection:
        lacking = privileges.to_run(connection, dagster_history.SCHEMA)
        role = connection.execute(sa.text("SELECT current_user")).scalar_one()
    if lacking:
        raise OperatorRequired(
            f"The role {role} lacks rights", remedy=f"as the database's owner, run: {' '.join(lacking)}"
        )
    return f"the role {role} has what it needs"


def _predecessor(parts: Parts) -> str:
    """What it left in tables is read, and its readers are told of. A setting of its is broken where what replaces it is
    not set: it looks as if it were in force."""
    names = [name for name in (*former.REPLACED, *former.GONE) if set_by_environment(name)]
    settings = [told for name in names if (told := former.told(name))]
    if any(not set_by_environment(former.REPLACED[name]) for name in names if name in former.REPLACED):
        raise OperatorRequired(" ".join(settings))
    with transaction(parts.engine) as connection:
        left, unserved = platform_tables.left_behind(connection), readers.unserved(connection)
    tables = [
        f"{left.items} items and {left.abilities} abilities in its tables can be read, {left.items_unusable} and "
        f"{left.abilities_unusable} are not whole and left out."
    ]
    return " ".join([*(tables if any(vars(left).values()) else ()), *unserved, *settings]) or "nothing of it is here"


def _bank(parts: Parts) -> str:
    with transaction(parts.engine) as connection:
        bank = item_banks.load_chosen(connection, parts.bank_choice)
    return f"{bank.version}: {len(bank.item_keys)} items, {bank.model}"


def _users(parts: Parts) -> str:
    with transaction(parts.engine) as connection:
        n_users, indexed = len(attempts.users(connection)), attempts.is_indexed(connection)
    if complaint := parts.user_keys.outgrown(n_users):
        raise InvalidInput(complaint)
    advice = "" if indexed else "; to find them fast, exam_results needs an index that begins with user_id"
    return f"{n_users:,} users{advice}"


def _daemon(parts: Parts) -> str:
    """Nothing is broken where it never ran: weeks are then run by hand."""
    with transaction(parts.engine) as connection:
        beats = dagster_history.heartbeats(connection) if dagster_history.exists(connection) else {}
    if not beats:
        raise _NotThere("has not run on this database: `seedtest ui` starts it, with the schedule and the sensors")
    now, last = dt.datetime.now(dt.UTC), max(beats.values())
    if now - last > _SILENT:
        raise OperatorRequired(
            f"No schedule and no sensor runs since {last:%F %H:%M} UTC", remedy="start `seedtest ui`, or its service."
        )
    if stuck := sorted(name for name in _WORKING_PARTS & set(beats) if now - beats[name] > _STUCK):
        raise OperatorRequired(f"Parts of the daemon hang: {', '.join(stuck)}", remedy="restart `seedtest ui`.")
    return f"alive at {last:%H:%M:%S} UTC"


def _runs(parts: Parts) -> str:
    since = dt.datetime.now(dt.UTC) - _FAILURES_OF
    with transaction(parts.engine) as connection:
        failed = dagster_history.failed_runs(connection, since) if dagster_history.exists(connection) else []
    if failed:
        raise OperatorRequired(
            f"{len(failed)} failed since {since:%F} and were not made good, the last at {failed[0].at:%F %H:%M} UTC",
            remedy=f"{parts.settings.dagster_ui_url.rstrip('/')}/runs/{failed[0].run_id} says why; mend it and press "
            "Re-execute there.",
        )
    return f"none failed since {since:%F} that was not made good"


def _estimator(parts: Parts) -> str:
    """With little patience: a weekly run waits for a service that restarts, a person who asks how it is does not."""
    patience_s = min(_PATIENCE_S, parts.settings.r_irt_timeout_secs)
    return Parts(parts.settings.model_copy(update={"r_irt_timeout_secs": patience_s})).estimator.check()


def _fonts(parts: Parts) -> str:
    check_fonts(parts.settings.report_lang)
    return f"found for REPORT_LANG={parts.settings.report_lang}"


def _cohort_report(_: Parts) -> str:
    """Nothing is broken where it cannot be made: it is for the staff, and the learners' reports do without."""
    if lacking := cohort_document.lacking():
        raise _NotThere(f"not made here. {lacking}")
    return f"Quarto and R with {', '.join(cohort_document.R_PACKAGES)}"


def _artifacts(parts: Parts) -> str:
    """Tried for real: a small file is stored, looked up, listed and taken away again."""
    store, key = parts.artifacts, "doctor/probe.txt"
    store.put(key, b"written by seedtest doctor", "text/plain")
    if store.sha256(key) is None or key not in store.keys("doctor"):
        raise OperatorRequired(
            f"{store} does not show what it has just been given", where=store, remedy="is it one store, and whole?"
        )
    store.delete(key)
    return f"writable, {store}"
