"""The domain's nouns, frozen: weeks, item banks, responses and estimates, with their units.

Stays out: how any of them is stored, estimated or shown.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from resources import calendar
from resources.errors import InvalidInput
from resources.irt.response_functions import Items

Model = Literal["Rasch", "1PL", "2PL", "3PL"]
Format = Literal["html", "pdf", "eml"]  # a page, a print, a mail
Language = Literal["en", "ko"]
Edition = Literal["learner", "teacher", "family"]  # of a report: for whom
Absentees = Literal["none", "short", "full"]  # the report of a learner who answered nothing in its week
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Instants = NDArray[np.datetime64]

# What somebody is in a group.
LEARNER, TEACHER = "learner", "teacher"

# Every id that `seedtest demo` invents starts so: synthetic data can be told from real data wherever an id is shown.
SYNTHETIC = "synthetic-"


@dataclass(frozen=True, order=True)
class Week:
    """Seven days from a Monday on, as the platform's calendar has them; `start` is that Monday."""

    start: dt.date

    def __post_init__(self) -> None:
        if self.start.weekday() != 0:
            monday = self.start - dt.timedelta(days=self.start.weekday())
            raise InvalidInput(
                f"{self.start} is a {self.start:%A}, and a week starts on a Monday", remedy=f"use {monday}."
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        try:
            return cls(dt.date.fromisoformat(text))
        except ValueError as error:
            raise InvalidInput(
                f"{text!r} is not a date", remedy="write a week as its Monday, such as 2025-01-06."
            ) from error

    @classmethod
    def containing(cls, instant: dt.datetime) -> Self:
        day = calendar.day_of(instant)
        return cls(day - dt.timedelta(days=day.weekday()))

    @classmethod
    def last_complete(cls, now: dt.datetime) -> Self:
        return cls(cls.containing(now).start - dt.timedelta(weeks=1))

    @property
    def key(self) -> str:
        return self.start.isoformat()

    @property
    def begins_at(self) -> dt.datetime:
        return calendar.begin_of(self.start)

    @property
    def ends_at(self) -> dt.datetime:
        """The first instant that is no longer in the week."""
        return calendar.begin_of(self.start + dt.timedelta(weeks=1))

    def plus(self, weeks: int) -> "Week":
        return Week(self.start + dt.timedelta(weeks=weeks))

    def through(self, last: "Week") -> Iterator["Week"]:
        """This week to `last`, both included; nothing if `last` is earlier."""
        week = self
        while week <= last:
            yield week
            week = week.plus(1)

    def __str__(self) -> str:
        return self.key


@dataclass(frozen=True)
class Prior:
    """Normal distribution of ability before the answers, in logits."""

    mean: float = 0.0
    sd: float = 1.0


@dataclass(frozen=True)
class Priors:
    """A prior for each of n learners, in logits: `mean` and `sd` of shape (n,)."""

    mean: Floats
    sd: Floats


STANDARD_NORMAL = Prior()


@dataclass(frozen=True)
class ItemDetails:
    """What people call an item, and where it is to be found; None where nobody has told."""

    title: str | None = None
    topic: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class ItemCatalogue:
    """The details of those items of which any are known, by item."""

    details: Mapping[str, ItemDetails] = field(default_factory=dict)

    def of(self, item_key: str) -> ItemDetails:
        return self.details.get(item_key, ItemDetails())

    @cached_property
    def sha256(self) -> str:
        """Of all that is known; the same for whatever knows as much. Nothing of an empty one."""
        known = repr(sorted(self.details.items(), key=itemgetter(0)))
        return hashlib.sha256(known.encode()).hexdigest() if self.details else ""


@dataclass(frozen=True)
class ItemBank:
    """Item parameters in logistic metric, D = 1: P = c + (1 - c) / (1 + exp(-a (theta - b))).

    `item_keys` has J distinct entries; discrimination `a` (per logit, > 0), difficulty `b` (logits) and guessing `c`
    (probability in [0, 1)) have shape (J,). A 2PL bank has c = 0 throughout. `topics` holds those of the items whose
    topic was known at the calibration.
    """

    version: str
    model: Model
    item_keys: tuple[str, ...]
    a: Floats
    b: Floats
    c: Floats
    topics: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (len(self.item_keys) == self.a.size == self.b.size == self.c.size):
            raise InvalidInput("item_keys, a, b and c differ in length.", where=f"Item bank {self.version}")
        if len(set(self.item_keys)) != len(self.item_keys):
            raise InvalidInput("an item stands in it twice.", where=f"Item bank {self.version}")
        usable = (
            np.isfinite(self.a) & (self.a > 0) & np.isfinite(self.b) & (self.c >= 0) & (self.c < 1)
        )  # NaN compares false
        if not usable.all():
            j = int(np.flatnonzero(~usable)[0])
            raise InvalidInput(
                f"item {self.item_keys[j]} has a={self.a[j]:g}, b={self.b[j]:g}, c={self.c[j]:g}; a must "
                "be above 0, b finite, c in [0, 1).",
                where=f"Item bank {self.version}",
            )

    @cached_property
    def items(self) -> Items:
        """The parameters alone; the same object each time, for what is kept beside it (see `eap`)."""
        return Items(self.a, self.b, self.c)

    @cached_property
    def place(self) -> Mapping[str, int]:
        """Where an item stands; made once, since one learner's update must not pay for the whole bank."""
        return {key: j for j, key in enumerate(self.item_keys)}


@dataclass(frozen=True)
class Responses:
    """Answers of many users in long form, dictionary-encoded; the order of the rows carries no meaning.

    `user` and `item`, shape (n,), index `user_ids` and `item_keys`; `correct`, shape (n,), is 1 right, 0 wrong,
    NaN not usable (skipped, unreadable). A user may have no row at all.
    """

    user_ids: tuple[str, ...]
    item_keys: tuple[str, ...]
    user: Ints
    item: Ints
    correct: Floats


@dataclass(frozen=True)
class Thetas:
    """Ability estimates of n users: posterior mean and SD in logits, and what they rest on.

    `theta`, `se`, `n_items` (responses used), `n_unknown_item` (left out: item not in the bank) and `n_unusable`
    (left out: correct is NaN) have shape (n,) in the order of `user_ids`. `unscored` lists the users without a single
    scorable response: they have no estimate, and never a 0.
    """

    user_ids: tuple[str, ...]
    theta: Floats
    se: Floats
    n_items: Ints
    n_unknown_item: Ints
    n_unusable: Ints
    unscored: tuple[str, ...]
    model: Model
    bank_version: str


@dataclass(frozen=True)
class ReportArtifact:
    """A report's file: `url` is its stable address, never a signed one; `sha256` of its bytes, `inputs_sha256` of
    everything that they depend on. Both are None in a row of the predecessor."""

    user_id: str
    week: Week
    format: str
    url: str
    generated_at: dt.datetime
    sha256: str | None
    inputs_sha256: str | None = None
    edition: Edition = "learner"

    @property
    def kind(self) -> str:
        """The format, after the edition where it is not the learner's: `html`, `teacher html`."""
        return kind(self.edition, self.format)


@dataclass(frozen=True)
class Goal:
    """A score, in points of the reports' scale, that a learner wants to have by the end of a day."""

    score: float
    by: dt.date


@dataclass(frozen=True)
class Member:
    """Somebody in a group; `name` is what people call them, None where nobody has told."""

    user_id: str
    name: str | None


@dataclass(frozen=True)
class ClassArtifact:
    """A class report's file, as `ReportArtifact` of a learner's; `learners` are those whom it names."""

    group: str
    week: Week
    format: str
    url: str
    generated_at: dt.datetime
    sha256: str
    inputs_sha256: str
    learners: tuple[str, ...]


def kind(edition: Edition, form: str) -> str:
    return form if edition == "learner" else f"{edition} {form}"


def safe_key(user_id: str) -> str:
    """The user id as a name that is safe in partition keys, file names, object keys and URLs; never two ids alike.

    Lower-case letters, digits, `-` and `_` stay; every other byte of the UTF-8 form becomes `~` and two hex digits
    (upper case too: some file systems do not tell U1 from u1). A name beyond 120 characters ends in a SHA-256 instead.
    """
    raw = user_id.encode("utf-8", "surrogatepass")
    name = "".join(chr(c) if chr(c) in "abcdefghijklmnopqrstuvwxyz0123456789-_" else f"~{c:02x}" for c in raw)
    if name and len(name) <= 120:
        return name
    return f"{name[:40]}~~{hashlib.sha256(raw).hexdigest()}"
