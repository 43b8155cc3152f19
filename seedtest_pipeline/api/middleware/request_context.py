"""What is known of one request while it is under way: for its log line, its metrics and its answer."""

import random
import re
from dataclasses import dataclass, field
from typing import cast

from starlette.requests import Request
from starlette.types import Scope

from seedtest_pipeline.api.auth.caller import Caller

_KEY = "seedtest.request_context"
# With "seedtest " before it, it fits PostgreSQL's 63 bytes for an application's name.
_SANE = re.compile(rb"[A-Za-z0-9._-]{1,54}")


@dataclass
class RequestContext:
    """`caller` is None until a token was believed; `refused` is why a problem was answered, for the log only. `about`:
    ids and words of ours that the log line says besides, such as whose ability was stored."""

    request_id: str
    caller: Caller | None = None
    refused: str | None = None
    about: dict[str, object] = field(default_factory=dict)


def begin(scope: Scope) -> RequestContext:
    """A new context under the caller's own X-Request-ID where that is harmless, else under an id made here."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    context = RequestContext(given.decode("ascii") if _SANE.fullmatch(given) else _new_id())
    scope[_KEY] = context
    return context


def _new_id() -> str:
    # No secret, and asking the system for one lets another thread go first, which may take a millisecond.
    return f"{random.getrandbits(128):032x}"


def in_scope(scope: Scope) -> RequestContext:
    return cast("RequestContext", scope[_KEY])


def of(request: Request) -> RequestContext:
    return in_scope(request.scope)


def caller_of(request: Request) -> Caller:
    """Of a request to an authenticated route."""
    caller = of(request).caller
    assert caller is not None  # noqa: S101 - `AuthenticatedRoute` authenticates before it handles
    return caller
