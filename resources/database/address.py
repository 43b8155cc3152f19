"""A database's address, read: what is wrong with it is said without repeating it, since it may hold a password."""

from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from resources.errors import InvalidInput

_FORM = "postgresql://user:password@host:5432/name"
_DRIVER = "postgresql+psycopg"
_SPELLINGS = {"postgres", "postgresql", _DRIVER, "postgresql+psycopg2"}


def parse(url: str) -> URL:
    """The address with the one driver that is used here.

    Raises:
        InvalidInput: it is no address of a PostgreSQL database.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise InvalidInput(f"The database address is not of the form {_FORM}.") from None
    if parsed.drivername not in _SPELLINGS:
        raise InvalidInput(f"The database address begins with {parsed.drivername}://", remedy=_instead(parsed))
    if "@" in f"{parsed.host}{parsed.database}":  # the rest of a password, taken for a host
        raise InvalidInput(
            "The database address has an @ too many",
            remedy="in user and password, write @ as %40, / as %2F, : as %3A, # as %23 and % as %25.",
        )
    if not parsed.database:
        raise InvalidInput(f"The database address is not of the form {_FORM}.")
    try:
        make_conninfo(**{name: value for name, value in parsed.query.items() if isinstance(value, str)})
    except ProgrammingError as error:
        raise InvalidInput(f"The database address asks for what PostgreSQL does not know: {error}.") from None
    return parsed.set(drivername=_DRIVER)


def address(url: URL) -> str:
    """host:port/database, for people: without user and password. Of several hosts all are named."""
    hosts = url.query.get("host") or f"{url.host or 'localhost'}:{url.port or 5432}"
    return f"{hosts if isinstance(hosts, str) else ','.join(hosts)}/{url.database}"


def _instead(url: URL) -> str:
    if url.get_backend_name().startswith("postgres"):
        return f"that driver is another program's; write {_FORM}."
    return f"this needs PostgreSQL: {_FORM}."
