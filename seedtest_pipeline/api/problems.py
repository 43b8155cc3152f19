"""Every answer that is no success: RFC 9457 problems with a stable type, and from which of our errors each comes.

What a problem says is written here, for the caller; an error's own sentence may name hosts and goes to the log.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from resources.errors import ArtifactMissing, DatabaseUnavailable, EstimatorUnavailable, KeysUnavailable, RetryLater
from seedtest_pipeline.api.auth.caller import Forbidden, Unauthenticated
from seedtest_pipeline.api.long_work import NoRoom
from seedtest_pipeline.api.middleware import request_context

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
# A service that restarts is back in some seconds, and whoever waits is a learner's session that has ended.
RETRY_AFTER_S = 5


class FieldFault(BaseModel):
    field: str = Field(examples=["body.lookback_days"])
    message: str = Field(examples=["Input should be less than or equal to 365"])


class Problem(BaseModel):
    """RFC 9457; `type` never changes, the other texts may."""

    type: str = Field(examples=["/problems/validation"])
    title: str
    status: int
    detail: str
    request_id: str = Field(description="Names the request in the log; also in X-Request-ID.")
    errors: list[FieldFault] | None = Field(default=None, description="For /problems/validation: each field at fault.")


@dataclass(frozen=True)
class Kind:
    name: str
    status: int
    title: str
    detail: str

    @property
    def type(self) -> str:
        return f"/problems/{self.name}"


MALFORMED = Kind("malformed", 400, "Not readable", "The request's body is not JSON.")
UNAUTHENTICATED = Kind("unauthenticated", 401, "No valid token", "This needs a valid bearer token.")
FORBIDDEN = Kind("forbidden", 403, "Not allowed", "The token's scopes do not allow this.")
NOT_FOUND = Kind("not-found", 404, "Not found", "There is nothing here.")
NOT_ALLOWED = Kind("method-not-allowed", 405, "Method not allowed", "This path takes another method: see Allow.")
TOO_SLOW = Kind("too-slow", 408, "Too slow", "The request's body did not come in time.")
TOO_LARGE = Kind("too-large", 413, "Too large", "The request's body is larger than 800 kB.")
NO_JSON = Kind(
    "unsupported-media-type", 415, "Not sent as JSON",
    "The body is read as JSON, and its header does not say so: send Content-Type: application/json.",
)  # fmt: skip
VALIDATION = Kind("validation", 422, "Not as described", "A field of the request is not as the API describes it.")
TOO_MANY = Kind("too-many-requests", 429, "Too many requests", "This caller asks too often or too much at once.")
INTERNAL = Kind("internal", 500, "Failed", "This failed for a reason that needs a person; the log has it.")
DATABASE = Kind("database-unavailable", 503, "Try again", "The database cannot do it now. Nothing is lost.")
ESTIMATOR = Kind("estimator-unavailable", 503, "Try again", "The estimator does not answer now. Nothing is lost.")
KEYS = Kind("keys-unavailable", 503, "Try again", "Tokens cannot be verified now.")
UNAVAILABLE = Kind("unavailable", 503, "Try again", "A service that this needs does not answer now. Nothing is lost.")
OVERLOADED = Kind("overloaded", 503, "Try again", "Too many requests are under way.")
TIMED_OUT = Kind("timed-out", 503, "Try again", "The request took too long; it may still take effect.")

KINDS = (
    MALFORMED, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, NOT_ALLOWED, TOO_SLOW, TOO_LARGE, NO_JSON, VALIDATION, TOO_MANY,
    INTERNAL, DATABASE, ESTIMATOR, KEYS, UNAVAILABLE, OVERLOADED, TIMED_OUT,
)  # fmt: skip
_HEADERS = {
    401: {"WWW-Authenticate": "RFC 6750."},
    403: {"WWW-Authenticate": "RFC 6750, with a scope that would be enough."},
    429: {"Retry-After": "In seconds."},
    503: {"Retry-After": "In seconds."},
}
_OF_STATUS = {kind.status: kind for kind in (MALFORMED, NOT_FOUND, NOT_ALLOWED, TOO_SLOW, TOO_LARGE)}
_OF_ERROR = {DatabaseUnavailable: DATABASE, EstimatorUnavailable: ESTIMATOR, KeysUnavailable: KEYS, NoRoom: OVERLOADED}


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These answers for the OpenAPI document, each with its types and an example."""
    return {status: _described([kind for kind in KINDS if kind.status == status]) for status in statuses}


def _described(kinds: list[Kind]) -> dict[str, Any]:
    examples = {
        kind.name: {
            "value": Problem(
                type=kind.type, title=kind.title, status=kind.status, detail=kind.detail, request_id="5f0c8e"
            ).model_dump(exclude_none=True)
        }
        for kind in kinds
    }
    headers = _HEADERS.get(kinds[0].status, {})
    return {
        "description": "; ".join(f"`{kind.type}`: {kind.detail}" for kind in kinds),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
        "headers": {name: {"description": what, "schema": {"type": "string"}} for name, what in headers.items()},
    }


def answer(
    kind: Kind, request_id: str, headers: Mapping[str, str] | None = None, errors: list[FieldFault] | None = None
) -> Response:
    """The problem as a response; a 503 always says when to try again."""
    problem = Problem(
        type=kind.type, title=kind.title, status=kind.status, detail=kind.detail, request_id=request_id, errors=errors
    )
    retry = {"Retry-After": str(RETRY_AFTER_S)} if kind.status == TIMED_OUT.status else {}
    return Response(
        problem.model_dump_json(exclude_none=True), kind.status, {**retry, **(headers or {})}, media_type=MEDIA_TYPE
    )


def install(app: FastAPI) -> None:
    """Answer the errors that a request may end with as problems; the others are `ObservationMiddleware`'s."""
    for error, handle in {
        Unauthenticated: _unauthenticated,
        Forbidden: _forbidden,
        RequestValidationError: _invalid,
        RetryLater: _retry_later,
        ArtifactMissing: _missing,
        HTTPException: _http,
    }.items():
        app.add_exception_handler(error, handle)


async def _unauthenticated(request: Request, error: Any) -> Response:
    return _answer(request, UNAUTHENTICATED, {"WWW-Authenticate": error.www_authenticate})


async def _forbidden(request: Request, error: Any) -> Response:
    return _answer(request, FORBIDDEN, {"WWW-Authenticate": error.www_authenticate})


async def _invalid(request: Request, error: Any) -> Response:
    # The messages are pydantic's and say nothing of the value but what the caller sent.
    if any(fault["type"] == "json_invalid" for fault in error.errors()):
        return _answer(request, MALFORMED)
    if isinstance(error.body, bytes):  # which FastAPI leaves as it is where the header names no JSON
        return _answer(request, NO_JSON)
    faults = [
        FieldFault(field=".".join(map(str, fault["loc"])), message=fault["msg"].removeprefix("Value error, "))
        for fault in error.errors()
    ]
    return _answer(request, VALIDATION, errors=faults)


async def _retry_later(request: Request, error: Any) -> Response:
    request_context.of(request).refused = str(error)
    kind = next((kind for of, kind in _OF_ERROR.items() if isinstance(error, of)), UNAVAILABLE)
    return _answer(request, kind)


async def _missing(request: Request, error: Any) -> Response:
    return _answer(request, NOT_FOUND)


async def _http(request: Request, error: Any) -> Response:
    headers = dict(error.headers or {})
    if headers.get("Allow") == "GET":
        headers["Allow"] = "GET, HEAD"
    return _answer(request, _OF_STATUS.get(error.status_code, INTERNAL), headers)


def _answer(
    request: Request, kind: Kind, headers: Mapping[str, str] | None = None, errors: list[FieldFault] | None = None
) -> Response:
    return answer(kind, request_context.of(request).request_id, headers, errors)
