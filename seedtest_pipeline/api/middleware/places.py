"""Places for requests at work: so many in this process, and of them so many for one caller that others find room."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seedtest_pipeline.api import problems
from seedtest_pipeline.api.auth import scopes
from seedtest_pipeline.api.auth.caller import Caller
from seedtest_pipeline.api.middleware import request_context


class NoPlace(Exception):  # noqa: N818 - an answer, not a fault
    def __init__(self, kind: problems.Kind) -> None:
        super().__init__(kind.detail)
        self.kind = kind


class Places:
    """Each is taken when a request is whole and its caller known, so nobody holds one by sending slowly."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._of_service = at_once - at_once // 8  # a platform that floods leaves room for others
        self._of_user = max(1, at_once // 16)  # a learner's page asks for some things at the same time
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken_by(self, caller: Caller) -> Iterator[None]:
        """Raises:
        NoPlace: all are taken, or all that one caller may have.
        """
        who = caller.subject
        if self._free == 0:
            raise NoPlace(problems.OVERLOADED)
        if self._taken[who] >= (self._of_service if scopes.is_service(caller) else self._of_user):
            raise NoPlace(problems.TOO_MANY)
        self._free -= 1
        self._taken[who] += 1
        try:
            yield
        finally:
            self._free += 1
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]


async def no_place(request: Request, error: Any) -> Response:
    """The answer to NoPlace: 503 or 429, with Retry-After."""
    headers = {"Retry-After": str(problems.RETRY_AFTER_S)}
    return problems.answer(error.kind, request_context.of(request).request_id, headers)
