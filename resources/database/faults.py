"""What PostgreSQL refuses, as a sentence with its remedy: the one table, for the command line, the API and the assets.

Stays out: mistakes in a statement, which are ours and raised as they are. Codes:
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import re
from dataclasses import dataclass

import psycopg
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from resources.database.address import address
from resources.errors import DatabaseUnavailable, OperatorRequired, RowsHeld, SeedtestError, StatementStopped

READ_ONLY = psycopg.errors.ReadOnlySqlTransaction.sqlstate


@dataclass(frozen=True)
class Fault:
    """`what` PostgreSQL at an address does; the server's own words come after it."""

    what: str
    remedy: str
    error: type[SeedtestError] = DatabaseUnavailable


_AWAY = Fault("is not available", "Check that it runs and that DATABASE_URL names it, then try again.")
_PASSWORD = Fault(
    "does not let us in",
    "Check user and password in DATABASE_URL (@ is written %40 there, / %2F, : %3A, # %23, % %25), and pg_hba.conf.",
)
_CONNECTIONS = Fault(
    "has no connection left", "Raise its max_connections or the pooler's pool, or end what holds the others."
)
_STARTING = Fault("is not available", "It starts, stops or recovers; try again in a moment.")
# By a code, or by what codes begin with; the longest that fits.
_FAULTS = {
    "08": _AWAY,
    "25006": Fault("takes no writes", "A standby, or read-only for now? DATABASE_URL must lead to the primary."),
    "25P03": Fault("ended a session that waited", "Raise idle_in_transaction_session_timeout for this role."),
    "25P04": Fault("ended a transaction that took too long", "Raise transaction_timeout for this role."),
    "28": _PASSWORD,
    "3D000": Fault("has no such database", "Create it, or correct its name in DATABASE_URL."),
    "40": Fault("let another transaction go first", "Try again."),
    "42501": Fault("does not allow this", "Grant the role of DATABASE_URL what it lacks.", OperatorRequired),
    "42P01": Fault(
        "has no such table",
        "Run: seedtest migrate. If it was run: has this role the same search_path?",
        OperatorRequired,
    ),
    "53": Fault("is short of something", "See the server's log, then try again."),
    "53100": Fault("has a full disk", "Make room on the server, then try again."),
    "53200": Fault("is out of memory", "Lower its work_mem or give it more memory, then try again."),
    "53300": _CONNECTIONS,
    "55P03": Fault(
        "waited too long for what another one holds", "Try again, or raise this role's lock_timeout.", RowsHeld
    ),
    "57014": Fault(
        "stopped a statement", "If it took too long: raise statement_timeout for this role.", StatementStopped
    ),
    "57P": _STARTING,
    "57P05": Fault("ended an idle session", "Raise idle_session_timeout for this role."),
    "58": Fault("cannot use its files", "See the server's log: the disk may be broken."),
}  # fmt: skip
# libpq gives no code where no session comes about. These are the words of an English server, or of PgBouncer; of others
# the words are shown, with the remedy of _AWAY.
_WORDS = {
    r"password authentication failed|no password supplied|role .* does not exist|no pg_hba\.conf entry": _PASSWORD,
    r"not permitted to log in|no such user|[Aa]uthentication failed": _PASSWORD,
    r"database .* does not exist|no such database": _FAULTS["3D000"],
    r"too many (clients|connections)|connection slots|no more connections|query_wait_timeout": _CONNECTIONS,
    r"is starting up|is shutting down|not yet accepting": _STARTING,
    r"session is (not )?read-only|server is (not )?in hot standby": _FAULTS["25006"],
}


def explained(error: DBAPIError | psycopg.Error, url: URL) -> SeedtestError | None:
    """The error as one of ours; None where it is a mistake in a statement, or none of the driver's."""
    said = error.orig if isinstance(error, DBAPIError) else error
    fault = _fault(said)
    if fault is None:
        return None
    reason = _first_line(said).rstrip(".") or "no answer"
    where = address(url)
    return fault.error(f"PostgreSQL at {where} {fault.what}: {reason}.", where=where, remedy=fault.remedy)


def forget_values(error: DBAPIError | psycopg.Error) -> None:
    """Leave the first line of what was said: the next ones quote values, which are learners', and errors go to logs."""
    for one in (error, error.orig if isinstance(error, DBAPIError) else None):
        if one is not None:
            one.args = (_first_line(one.args[0] if one.args else ""), *one.args[1:])


def is_read_only(error: BaseException | None) -> bool:
    """Whether the driver's error says that the server takes no writes."""
    return isinstance(error, psycopg.Error) and error.sqlstate == READ_ONLY


def _first_line(said: object) -> str:
    return str(said).strip().partition("\n")[0]


def _fault(error: BaseException | None) -> Fault | None:
    if not isinstance(error, psycopg.Error):
        return None
    code = error.sqlstate
    if code is None:  # no server said it
        if not isinstance(error, psycopg.OperationalError):
            return None
        return next((fault for words, fault in _WORDS.items() if re.search(words, str(error))), _AWAY)
    return next((_FAULTS[code[:n]] for n in (5, 3, 2) if code[:n] in _FAULTS), None)
