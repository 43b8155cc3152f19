"""Which scope allows what. Decided before the database is asked: a user who exists and one who does not look alike."""

from seedtest_pipeline.api.auth.caller import Caller, Forbidden

ANYBODY = "analysis:run"
"""Update and read any user: for the platform's own services."""
UPDATE_ANYBODY = "analysis:update"
READ_ANYBODY = "analysis:read"
"""The two halves of it, for services that need only one."""
UPDATE_OWN = "exam:write"
READ_OWN = "report:read"
READ_OWN_FORMERLY = "reports:view"
"""What the predecessor's tokens say for READ_OWN."""
READ_CLASS = "class:read"
"""Read the class reports of the groups that the token's subject teaches."""

ALL = frozenset({ANYBODY, UPDATE_ANYBODY, READ_ANYBODY, UPDATE_OWN, READ_OWN, READ_CLASS})


def require_update(caller: Caller, user_id: str) -> None:
    """Raises:
    Forbidden: the caller may not have this user's ability estimated.
    """
    _require(caller, user_id, {ANYBODY, UPDATE_ANYBODY}, {UPDATE_OWN}, UPDATE_OWN)


def require_update_of_many(caller: Caller) -> None:
    """Raises:
    Forbidden: the caller is no service, which may have anybody's ability estimated.
    """
    if caller.scopes.isdisjoint({ANYBODY, UPDATE_ANYBODY}):
        raise Forbidden(ANYBODY)


def require_read(caller: Caller, user_id: str) -> None:
    """Raises:
    Forbidden: the caller may not read this user's abilities and reports.
    """
    _require(caller, user_id, {ANYBODY, READ_ANYBODY}, {READ_OWN, READ_OWN_FORMERLY}, READ_OWN)


def is_former_reader(caller: Caller) -> bool:
    """Whether only the predecessor's scope lets the caller read."""
    return READ_OWN_FORMERLY in caller.scopes and caller.scopes.isdisjoint({ANYBODY, READ_ANYBODY, READ_OWN})


def require_class(caller: Caller) -> str | None:
    """The teacher whose groups alone the caller may read; None: all may be read.

    Raises:
        Forbidden: the caller may read no class report.
    """
    if not caller.scopes.isdisjoint({ANYBODY, READ_ANYBODY}):
        return None
    if READ_CLASS in caller.scopes:
        return caller.subject
    raise Forbidden(READ_CLASS)


def is_service(caller: Caller) -> bool:
    """Whether the caller speaks for more than one user."""
    return not caller.scopes.isdisjoint({ANYBODY, UPDATE_ANYBODY, READ_ANYBODY})


def _require(caller: Caller, user_id: str, anybody: set[str], own: set[str], named: str) -> None:
    is_own = user_id == caller.subject
    if caller.scopes.isdisjoint(anybody | own if is_own else anybody):
        raise Forbidden(named if is_own else ANYBODY)
