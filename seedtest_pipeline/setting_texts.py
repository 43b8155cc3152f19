"""What the text of a setting means, and which texts mean nothing.

Raises, every function: ValueError, which pydantic tells with the setting's name.
"""

import datetime as dt
import math
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from resources.errors import InvalidInput
from resources.irt.calibration.m_step import ItemPriors, Normal
from resources.model import Week
from resources.reports.learner.cuts import Cuts
from resources.reports.learner.scale import Scale

SHORTEST_ANEW = 13  # weeks: more than those that a change is told over


def users_or_buckets(value: object) -> object:
    """0 for one partition per user, else the number of hash buckets."""
    if value == "users":
        return 0
    if isinstance(value, str) and not value.removeprefix("-").isdecimal():
        raise ValueError("it is `users`, or a number of hash buckets such as 64")
    return value


def number_or_word(value: object) -> object:
    """`.05` as a number; a word as it is."""
    if isinstance(value, str) and value not in ("estimated", "off"):
        try:
            return float(value)
        except ValueError:
            raise ValueError("it is `estimated`, `off`, or a number of logits a week such as 0.05") from None
    return value


def never_or_long(weeks: int) -> int:
    if 0 < weeks < SHORTEST_ANEW:
        raise ValueError(f"it is 0, never, or {SHORTEST_ANEW} weeks and more: sooner, an answer is remembered")
    return weeks


def guessing(value: object) -> object:
    """`0.25,0.5`: the middle of c, and the SD of logit c."""
    if not isinstance(value, str):
        return value
    try:
        middle, sd = map(float, value.split(","))
        if 0 < middle < 1 and sd > 0:
            return ItemPriors(logit_c=Normal(math.log(middle / (1 - middle)), sd))
    except ValueError:
        pass
    raise ValueError("it is two numbers such as 0.25,0.5: the middle of c, between 0 and 1, and the SD of its logit")


def listed(value: object) -> object:
    """`html,pdf` as a tuple without repeats."""
    return tuple(dict.fromkeys(part.strip() for part in value.split(","))) if isinstance(value, str) else value


def pairs(value: object) -> object:
    """`a=b,c=d` as pairs; the last = divides, since a provider's word may hold one."""
    if not isinstance(value, str):
        return value
    pairs = [tuple(part.strip().rsplit("=", 1)) for part in value.split(",") if part.strip()]
    if not all(len(pair) == 2 and all(pair) for pair in pairs):
        raise ValueError("it is a list such as seedtest-service=analysis:run,seedtest-user=exam:write")
    return tuple(pairs)


def monday(value: dt.date) -> dt.date:
    try:
        return Week(value).start
    except InvalidInput as error:
        raise ValueError(str(error).removesuffix(".")) from error


def zone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, OSError):  # the latter of a name that is a folder, or no path
        raise ValueError("it is no time zone; one is called `UTC` or `Asia/Seoul`") from None


def scale(value: object) -> object:
    """`500,100,200,800`: the score of theta 0, points per logit, lowest and highest score."""
    if not isinstance(value, str):
        return value
    try:
        center, per_logit, low, high = map(int, value.split(","))
        return Scale(center, per_logit, low, high)
    except ValueError as error:
        raise ValueError("it is four whole numbers such as 500,100,200,800: center, per logit, low, high") from error
    except InvalidInput as error:
        raise ValueError(str(error).removesuffix(".")) from error


def cuts(value: object) -> object:
    """`Basic,400,Proficient,600,Advanced`: names of performance levels, and the scores between them."""
    try:
        return Cuts.parse(value) if isinstance(value, str) else value
    except InvalidInput as error:
        raise ValueError(str(error).removesuffix(".")) from error
