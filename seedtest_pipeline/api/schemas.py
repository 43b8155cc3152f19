"""What comes in and goes out, with an example of each."""

import datetime as dt
import re
from typing import Annotated, Literal, Self
from urllib.parse import unquote

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from assets.abilities.on_demand import Reason, Update
from resources.database.queries.estimates.current_abilities import Ability

# What PostgreSQL can hold in an index beside the model and the bank's version: 2,704 bytes in all.
ID_BYTES = 2000
BATCH = 1000  # users: what takes a third of a second


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("holds a NUL character, which the database cannot store")
    if len(value.encode()) > ID_BYTES:
        raise ValueError(f"is longer than {ID_BYTES:,} bytes")
    return value


def _decoded(value: object) -> object:
    """Routes match paths as they were sent (see `ObservationMiddleware`)."""
    return unquote(value, errors="strict") if isinstance(value, str) else value


def _number_as_text(value: object) -> object:
    """An id that a platform keeps as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _whole_number(value: object) -> object:
    """Of digits in quotes, or of a double such as 30.0, which JSON takes for an integer."""
    written = isinstance(value, str) and _DIGITS.fullmatch(value)
    return int(value) if written or (isinstance(value, float) and value.is_integer()) else value  # type: ignore[call-overload]


def _empty_as_none(value: object) -> object:
    return None if value == "" else value


def _distinct(values: list[str]) -> list[str]:
    if len(set(values)) < len(values):
        raise ValueError("names a user twice")
    return values


_DIGITS = re.compile(r"[0-9]{1,3}")
Id = Annotated[str, Field(min_length=1, max_length=ID_BYTES), AfterValidator(_storable)]
# What a body may say in place of an id, as the document has it.
_IdOrEmpty = Annotated[str, Field(max_length=ID_BYTES)]
_Days = Annotated[int, Field(strict=True, ge=1, le=365)]
GivenId = Annotated[Id, BeforeValidator(_number_as_text, json_schema_input_type=Id | int)]
GivenIdOrNone = Annotated[
    GivenId | None, BeforeValidator(_empty_as_none, json_schema_input_type=_IdOrEmpty | int | None)
]
NameOrNone = Annotated[Id | None, BeforeValidator(_empty_as_none, json_schema_input_type=_IdOrEmpty | None)]
Days = Annotated[
    _Days,
    BeforeValidator(
        _whole_number, json_schema_input_type=_Days | Annotated[str, Field(pattern=f"^{_DIGITS.pattern}$")]
    ),
]
PathId = Annotated[Id, BeforeValidator(_decoded)]


class UpdateTheta(BaseModel):
    """A session has ended: this user's ability is wanted anew."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"user_id": "user123", "session_id": "session456", "lookback_days": 30}]},
    )

    user_id: GivenId = Field(description=f"Of {ID_BYTES:,} bytes at most. A number is taken as its digits.")
    session_id: GivenIdOrNone = Field(
        None, description="The answers of all sessions count, whichever is named. Empty: none."
    )
    lookback_days: Days | None = Field(
        None,
        description="How far back answers are read again, as some come late; the older are in weekly states.",
    )
    model: NameOrNone = Field(None, description="The model of the item bank in force: another one is refused.")
    version: NameOrNone = Field(None, description="The version of the item bank in force: another one is refused.")


class UpdateThetas(BaseModel):
    """Sessions of many users have ended."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"user_ids": ["user123", "user124"], "lookback_days": 30}]}
    )

    user_ids: Annotated[list[GivenId], AfterValidator(_distinct)] = Field(
        min_length=1,
        max_length=BATCH,
        description="Each once. The body has 800 kB at most: room for ids of 128 characters, even each as `\\uXXXX`.",
    )
    lookback_days: Days | None = Field(None, description="As in `update-theta`.")


class CurrentTheta(BaseModel):
    """A stored ability in logits, from the answers before `as_of`. Rows that are older than this pipeline lack two of
    the values."""

    theta: float
    se: float
    model: str
    version: str = Field(description="Of the item bank; unlinked banks differ in scale.")
    n_items: int | None
    as_of: dt.datetime | None
    updated_at: dt.datetime

    @classmethod
    def of(cls, ability: Ability) -> Self:
        return cls(
            theta=ability.theta, se=ability.se, model=ability.model, version=ability.version, n_items=ability.n_items,
            as_of=ability.as_of, updated_at=ability.fitted_at,
        )  # fmt: skip


class Updated(BaseModel):
    """The estimate as of this request."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "ok", "user_id": "user123", "theta": 0.42, "se": 0.31, "model": "2PL", "version": "b1",
                    "n_items": 48, "n_unknown_item": 1, "n_unusable": 1, "as_of": "2025-03-01T10:00:00Z",
                    "updated_at": "2025-03-01T10:00:00.004Z", "later": None,
                }
            ]
        }
    )  # fmt: skip

    status: Literal["ok"] = "ok"
    user_id: str
    theta: float = Field(description="Posterior mean, in logits.")
    se: float = Field(description="Posterior standard deviation, in logits.")
    model: str
    version: str
    n_items: int | None = Field(description="Answers that it rests on.")
    n_unknown_item: int = Field(description="Answers left out: their item is not in the bank.")
    n_unusable: int = Field(description="Answers left out: skipped.")
    as_of: dt.datetime = Field(description="The instant of the request, by the database's clock.")
    updated_at: dt.datetime
    later: CurrentTheta | None = Field(
        None, description="The current ability where a later one was stored meanwhile: that one stays."
    )

    @classmethod
    def of(cls, update: Update) -> Self:
        ability = update.ability
        assert ability is not None  # noqa: S101 - or there is a reason
        later = CurrentTheta.of(update.later) if update.later else None
        return cls(
            user_id=ability.user_id, theta=ability.theta, se=ability.se, model=ability.model, version=ability.version,
            n_items=ability.n_items, n_unknown_item=update.n_unknown_item, n_unusable=update.n_unusable,
            as_of=update.as_of, updated_at=ability.fitted_at, later=later,
        )  # fmt: skip


class NothingToEstimate(BaseModel):
    """Nothing was stored, and what was stored before stays."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "noop", "user_id": "user123", "reason": "no_attempts",
                    "message": "No new item was answered in the last 30 days.",
                }
            ]
        }
    )  # fmt: skip

    status: Literal["noop"] = "noop"
    user_id: str
    reason: Reason = Field(
        description="no_attempts: nothing was answered in the window (a skipped item is no answer). "
        "no_item_parameters: nothing of what was answered is in the item bank, or none is in force."
    )
    message: str


class UpdateFailed(BaseModel):
    """Nothing was stored of this user; of the others it was."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "failed", "user_id": "user123", "retry": False}]}
    )

    status: Literal["failed"] = "failed"
    user_id: str
    retry: bool = Field(description="It may go well later; else it needs a person, and the log has why.")


class Outcomes(BaseModel):
    outcomes: list[Annotated[Updated | NothingToEstimate | UpdateFailed, Field(discriminator="status")]] = Field(
        description="Of each user, in the order asked for."
    )


class WeekTheta(BaseModel):
    week: dt.date = Field(validation_alias="week_start", description="Its Monday.")
    theta: float
    se: float
    n_items: int
    model: str
    version: str
    window_days: int
    as_of: dt.datetime


class UserTheta(BaseModel):
    """`current` is None where nothing was estimated under the item bank in force."""

    user_id: str
    current: CurrentTheta | None
    history: list[WeekTheta] = Field(description="By week, ascending.")


class Report(BaseModel):
    format: str = Field(examples=["html"])
    generated_at: dt.datetime
    href: str = Field(
        description="Where it can be had: a path from the host's root on, with what stands before this API's paths.",
        examples=["/v1/users/user123/reports/2025-02-03?format=html"],
    )


class ReportWeek(BaseModel):
    week: dt.date
    reports: list[Report]


class UserReports(BaseModel):
    user_id: str
    weeks: list[ReportWeek] = Field(description="Newest first.")


class ReportLink(BaseModel):
    url: str = Field(description="An address elsewhere that needs no token; or a path as `href` is.")
    expires_at: dt.datetime | None = Field(description="None: this API hands it out itself, to who has a token.")


class Classes(BaseModel):
    """Groups with a class report that the caller may read."""

    groups: list[str] = Field(description="In order.")


class ClassReports(BaseModel):
    group: str
    weeks: list[ReportWeek] = Field(description="Newest first.")
