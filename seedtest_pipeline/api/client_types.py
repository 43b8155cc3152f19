"""What the API answers, as a caller in Python has it from JSON: for a platform to copy with `client`.

Instants and dates are ISO 8601 text. A test holds it against the schemas of the OpenAPI document."""

from typing import Literal, TypedDict

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
