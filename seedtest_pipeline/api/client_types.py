"""What the API answers, as a caller in Python has it from JSON: for a platform to copy with `client`.

Instants and dates are ISO 8601 text. A test holds it against the schemas of the OpenAPI document."""

from typing import Literal, TypedDict

import httpx

Edition = Literal["learner", "teacher", "family"]  # of a report: for whom


class CurrentTheta(TypedDict):
    theta: float
    se: float
    model: str
    version: str
    n_items: int | None
    as_of: str | None
    updated_at: str


class Updated(TypedDict):
    status: Literal["ok"]
    user_id: str
    theta: float
    se: float
    model: str
    version: str
    n_items: int | None
    n_unknown_item: int
    n_unusable: int
    as_of: str
    updated_at: str
    later: CurrentTheta | None


class NothingToEstimate(TypedDict):
    status: Literal["noop"]
    user_id: str
    reason: Literal["no_attempts", "no_item_parameters"]
    message: str


class UpdateFailed(TypedDict):
    status: Literal["failed"]
    user_id: str
    retry: bool


class WeekTheta(TypedDict):
    week: str
    theta: float
    se: float
    n_items: int
    model: str
    version: str
    window_days: int
    as_of: str


class UserTheta(TypedDict):
    user_id: str
    current: CurrentTheta | None
    history: list[WeekTheta]


class Report(TypedDict):
    format: str
    generated_at: str
    href: str


class ReportWeek(TypedDict):
    week: str
    reports: list[Report]


class UserReports(TypedDict):
    user_id: str
    weeks: list[ReportWeek]


class ReportLink(TypedDict):
    url: str
    expires_at: str | None


class Classes(TypedDict):
    groups: list[str]


class ClassReports(TypedDict):
    group: str
    weeks: list[ReportWeek]


class FieldFault(TypedDict):
    field: str
    message: str


class Refused(httpx.HTTPStatusError):
    """The API's problem (RFC 9457), or of a proxy's answer its status. The text has no address, and so no id in one."""

    def __init__(self, answer: httpx.Response) -> None:
        told = answer.headers.get("Content-Type", "").startswith("application/problem+json")
        problem = answer.json() if told else {}
        self.type: str = problem.get("type", "about:blank")
        self.detail: str = problem.get("detail", answer.reason_phrase)
        self.errors: list[FieldFault] = problem.get("errors", [])
        self.request_id: str | None = answer.headers.get("X-Request-ID")
        fields = "".join(f" {one['field']}: {one['message']}." for one in self.errors)
        named = f" (request {self.request_id})" if self.request_id else ""
        text = f"{answer.status_code} {self.type}: {self.detail}{fields}{named}"
        super().__init__(text, request=answer.request, response=answer)
