"""Who may use a route, as the type of a parameter in its signature: a value of such a type is one that the caller may
work with, and a handler has no other way to it.

Decided once the request's own values are valid and before the handler runs, so before the database is asked. Stays out:
which scope allows what (`scopes`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from fastapi import Depends, Query
from fastapi.dependencies.models import Dependant
from starlette.requests import Request

from resources.model import Edition
from seedtest_pipeline.api.auth import scopes
from seedtest_pipeline.api.auth.caller import Forbidden
from seedtest_pipeline.api.middleware import request_context
from seedtest_pipeline.api.middleware.request_context import caller_of
from seedtest_pipeline.api.schemas import Id, PathId, UpdateTheta, UpdateThetas


@dataclass(frozen=True)
class AskedReports:
    """One edition of a learner's reports. `teacher`, unless None, has to teach a group that the learner is in."""

    user_id: str
    edition: Edition
    teacher: str | None


async def _readable(user_id: PathId, request: Request) -> str:
    _require_read(request, user_id)
    return user_id


async def _readable_or_own(
    request: Request, user_id: Annotated[Id | None, Query(description="By default the token's own subject.")] = None
) -> str:
    asked = caller_of(request).subject if user_id is None else user_id
    _require_read(request, asked)
    return asked


def _require_read(request: Request, user_id: str) -> None:
    about, caller = request_context.of(request).about, caller_of(request)
    about["user"] = user_id
    scopes.require_read(caller, user_id)
    if scopes.is_former_reader(caller):
        about["former_scope"] = scopes.READ_OWN_FORMERLY


async def _updatable(asked: UpdateTheta, request: Request) -> UpdateTheta:
    request_context.of(request).about |= {"user": asked.user_id, "session": asked.session_id}
    scopes.require_update(caller_of(request), asked.user_id)
    return asked


async def _edition_reader(
    user_id: PathId,
    request: Request,
    edition: Annotated[Edition, Query(description="For whom the report is made.")] = "learner",
) -> AskedReports:
    if edition != "teacher":
        _require_read(request, user_id)
        return AskedReports(user_id, edition, None)
    request_context.of(request).about["user"] = user_id
    return AskedReports(user_id, edition, scopes.require_class(caller_of(request)))


async def _editions_reader(user_id: PathId, request: Request) -> list[AskedReports]:
    asked, refusals = [], []
    for edition in get_args(Edition):
        try:
            asked.append(await _edition_reader(user_id, request, edition))
        except Forbidden as refusal:
            refusals.append(refusal)
    if not asked:
        raise refusals[0]
    return asked


async def _class_reader(request: Request) -> str | None:
    return scopes.require_class(caller_of(request))


async def _updatable_all(asked: UpdateThetas, request: Request) -> UpdateThetas:
    scopes.require_update_of_many(caller_of(request))
    return asked


ReadableUser = Annotated[str, Depends(_readable)]
"""The path's `user_id`, whose abilities and reports the caller may read; else 403."""
ReadableOrOwn = Annotated[str, Depends(_readable_or_own)]
"""The query's `user_id`, or the caller's own, likewise."""
EditionReader = Annotated[AskedReports, Depends(_edition_reader)]
"""An edition of the reports of the path's `user_id`: the teacher's as a class report, any other as the learner's; else
403. Whose teacher the caller is, only the database knows: `routes.reports` asks it before anything else."""
EditionsReader = Annotated[list[AskedReports], Depends(_editions_reader)]
"""Each edition of them that the caller may read by the same rule, one at least; else 403. `routes.report_index` asks
the database about the teacher."""
AllowedUpdate = Annotated[UpdateTheta, Depends(_updatable)]
"""The body, whose user the caller may have estimated; else 403."""
AllowedBatch = Annotated[UpdateThetas, Depends(_updatable_all)]
"""The body of a batch, for services only; else 403."""
ClassReader = Annotated[str | None, Depends(_class_reader)]
"""The teacher whose groups alone the caller may read, None of who may read all; else 403. Which groups those are, only
the database knows: `routes.classes` asks it before anything else."""

_DECISIONS: frozenset[Callable[..., Any]] = frozenset(
    {_readable, _readable_or_own, _updatable, _updatable_all, _class_reader, _edition_reader, _editions_reader}
)


def is_declared(dependant: Dependant) -> bool:
    """Whether a parameter of this route's handler is one of the types above."""
    return any(dependency.call in _DECISIONS for dependency in dependant.dependencies)
