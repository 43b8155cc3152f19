"""The platform's calendar: in which time zone its days begin, and so its weeks.

A deployment has one, as a process has one TZ: who puts the parts together says which, before any week is looked at.
UTC until then. What begins in a gap of the clock begins after it; of an hour that comes twice the first counts.
"""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np

_observed = ZoneInfo("UTC")


def observe(zone: ZoneInfo) -> None:
    """From now on days and weeks of this process are the zone's."""
    global _observed
    _observed = zone


def zone() -> ZoneInfo:
    return _observed


def day_of(instant: dt.datetime) -> dt.date:
    return instant.astimezone(_observed).date()


def begin_of(day: dt.date) -> dt.datetime:
    """The first instant of the day, in UTC."""
    return dt.datetime.combine(day, dt.time(), _observed).astimezone(dt.UTC)


def weeks_between(earlier: dt.datetime, later: dt.datetime) -> float:
    """Of the calendar: from a Monday's begin to the next it is one week, also where clocks were changed."""
    return (_place(later) - _place(earlier)) / dt.timedelta(weeks=1)


def _place(instant: dt.datetime) -> dt.datetime:
    day = day_of(instant)
    return dt.datetime.combine(day, dt.time()) + (instant - begin_of(day))


def as_numpy(instant: dt.datetime) -> np.datetime64:
    """As arrays of instants hold it: in UTC, to the microsecond."""
    return np.datetime64(instant.astimezone(dt.UTC).replace(tzinfo=None), "us")
