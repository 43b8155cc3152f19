"""Who calls, and the two answers to those who may not: 401 (nobody that we know) and 403 (not for you).

Stays out: how a token is judged (`tokens`), with which keys (`key_cache`), and what a caller may do (`scopes`,
`authorization`).
"""

from dataclasses import dataclass
from typing import Protocol

_CHALLENGE = 'Bearer realm="seedtest"'


@dataclass(frozen=True)
class Caller:
    """`subject` is the platform's id of a user, or a service's name; scopes count only as they are written."""

    subject: str
    scopes: frozenset[str]


class Unauthenticated(Exception):  # noqa: N818 - an answer, not a fault
    """401. `reason` is for our log alone, since whoever forges a token must not learn how far it came; None where no
    token was sent."""

    def __init__(self, reason: str | None) -> None:
        super().__init__("This needs a valid bearer token.")
        self.reason = reason
        self.www_authenticate = _CHALLENGE if reason is None else f'{_CHALLENGE}, error="invalid_token"'


class Forbidden(Exception):  # noqa: N818 - as above
    """403. `scope` is one that would be enough."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs the scope {scope}.")
        self.www_authenticate = f'{_CHALLENGE}, error="insufficient_scope", scope="{scope}"'


class Authenticator(Protocol):
    """Says who calls. `start` before the first request, in the server's event loop; `aclose` after the last."""

    async def start(self) -> None: ...

    async def authenticate(self, authorization: str | None) -> Caller:
        """The caller, by the value of the request's Authorization header; of several, their values joined by commas.

        Raises:
            Unauthenticated: no token, or not a valid one.
            KeysUnavailable: the token cannot be judged now.
        """

    def check(self) -> str:
        """One line on its state; takes no time.

        Raises:
            KeysUnavailable: no token can be judged now.
        """

    async def aclose(self) -> None: ...
