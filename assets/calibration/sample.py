"""What a calibration looks at: learners of a time, their groups, and the items that can be placed among each other.

The unit is a learner in a period of four weeks, with an ability of its own: who is asked again after a year is another.
Units belong to groups, whose means and SDs of ability are estimated: by exam or as told, and by time. So neither growth
nor the exam that somebody sits bends the items that only some have met.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from assets.calibration.counted import NO_EXAM, Codes, Counted
from assets.calibration.groups import Groups, grouped
from resources import calendar
from resources.answers.answers import ascending
from resources.errors import InvalidInput
from resources.irt.calibration.components import components
from resources.irt.calibration.linking import MIN_ANCHORS
from resources.irt.calibration.screening import before_calibration
from resources.irt.response_matrix import ResponseMatrix
from resources.model import Ints

PERIOD = np.timedelta64(4, "W")
MIN_ITEMS = 3  # of two items no correlation tells their slopes

LeftOut = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Chosen:
    """Which answers to calibrate from: those after `since`, to questions of these `exams` (all where empty), by
    learners who belong to `group_of`, by default to the exam that they sit."""

    since: dt.datetime | None = None
    exams: Sequence[str] = ()
    group_of: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Sample:
    """`answers` of units to the items of `item_keys`, ascending.

    `group_of`, shape (n_units,), indexes `groups`: those of `grouping` that are left.
    `learners` stand behind the units. `exam`, shape
    (n_answers,), indexes `exams`. `until` is the time of the last answer. `left_out` names items and reasons.
    """

    answers: ResponseMatrix
    item_keys: tuple[str, ...]
    group_of: Ints
    groups: tuple[str, ...]
    grouping: Groups
    learners: int
    exam: Ints
    exams: tuple[str, ...]
    until: dt.datetime
    left_out: LeftOut = ()

    def only(self, items: Ints, left_out: LeftOut) -> "Sample":
        """These items alone, in ascending order; the units stay, though some may have no answer left."""
        if items.size == len(self.item_keys):
            return self
        place = np.full(len(self.item_keys), -1)
        place[items] = np.arange(items.size)
        left = self.rows(np.flatnonzero(place[self.answers.item] >= 0))
        of, there = left.answers, np.unique(self.group_of[left.answers.user])
        return replace(
            left,
            group_of=np.searchsorted(there, self.group_of).clip(max=there.size - 1),
            groups=tuple(self.groups[g] for g in there),
            answers=ResponseMatrix(of.user, place[of.item], of.correct, of.n_users, items.size),
            item_keys=tuple(self.item_keys[j] for j in items),
            left_out=tuple(sorted((*self.left_out, *left_out))),
        )

    def rows(self, rows: Ints) -> "Sample":
        """These answers alone."""
        of = self.answers
        some = ResponseMatrix(of.user[rows], of.item[rows], of.correct[rows], of.n_users, of.n_items)
        return replace(self, answers=some, exam=self.exam[rows])


def sample(counted: Counted, chosen: Chosen, in_force: Sequence[str] = ()) -> Sample:
    """Of the chosen answers; `in_force` are items whose scale is to be kept.

    Raises:
        InvalidInput: nothing to calibrate, or items that fall apart into sets without a common scale.
    """
    rows = _chosen(counted, chosen)
    kept_items, place = _renumbered(counted.item[rows])
    item, keys = ascending(place, [counted.item_keys[j] for j in kept_items])
    at = counted.completed_at[rows]
    period = (at - at.min()) // PERIOD
    n_periods = int(period.max()) + 1
    unit_ids, unit = _renumbered(counted.user[rows] * np.int64(n_periods) + period)
    matrix = ResponseMatrix(unit, item, counted.correct[rows].astype(np.int64), unit_ids.size, len(keys))
    user_of, period_of = np.divmod(unit_ids, n_periods)
    told = None
    if chosen.group_of is not None:
        group_of = chosen.group_of
        told = [group_of.get(counted.user_ids[user], "no group") for user in user_of.tolist()]
    there, exam = _renumbered(counted.exam[rows])
    exams = tuple(counted.exams[e] for e in there)
    groups = grouped(matrix, period_of, exam, exams, told)
    made = Sample(
        matrix, keys, groups.of, groups.names, groups, np.unique(user_of).size, exam, exams,
        at.max().item().replace(tzinfo=dt.UTC),
    )  # fmt: skip
    screening = before_calibration(matrix)
    if not screening.kept.any():
        raise InvalidInput(
            f"No item can be calibrated: of {len(keys)} items with answers none has enough of them, right and wrong.",
            remedy="Ingest more answers first: seedtest ingest FILE",
        )
    screened = made.only(np.flatnonzero(screening.kept), tuple((keys[j], why) for j, why in screening.left_out))
    return _on_one_scale(screened, in_force)


def _renumbered(code: Ints | Codes) -> tuple[Ints, Ints]:
    """The codes that occur, ascending, and for each row the place of its own among them; without sorting."""
    occurs = np.zeros(int(code.max()) + 1, dtype=bool)
    occurs[code] = True
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[code]


def _chosen(counted: Counted, chosen: Chosen) -> Ints:
    rows = np.ones(counted.user.size, dtype=bool)
    if chosen.exams:
        if unknown := sorted(set(chosen.exams) - set(counted.exams)):
            there = ", ".join(sorted(counted.exams))
            raise InvalidInput(f"No answer belongs to the exam {unknown[0]}", remedy=f"choose among {there}.")
        rows &= np.isin(counted.exam, [counted.exams.index(name) for name in chosen.exams])
    if chosen.since is not None:
        rows &= counted.completed_at > calendar.as_numpy(chosen.since)
        if not rows.any():
            raise InvalidInput(
                f"There are no first attempts after {chosen.since:%Y-%m-%d %H:%M}.",
                remedy="Ingest newer answers (seedtest ingest FILE), or look further back: --since DATE",
            )
    if not rows.any():
        raise InvalidInput("There are no answers to calibrate from.", remedy="Ingest some first: seedtest ingest FILE")
    return np.flatnonzero(rows)


def _on_one_scale(made: Sample, in_force: Sequence[str]) -> Sample:
    """The items that learners connect; with a bank in force, those that they connect with it."""
    of_item = components(made.answers)
    known = np.isin(made.item_keys, list(in_force))
    n_items, anchors = np.bincount(of_item), np.bincount(of_item[known], minlength=of_item.max() + 1)
    if in_force:
        kept = np.flatnonzero(anchors >= MIN_ANCHORS)
        why = f"nobody who answered it answered {MIN_ANCHORS} items of the bank in force as well"
        if not kept.size:
            raise InvalidInput(
                f"Only {anchors.max()} items are also in the bank in force, and {MIN_ANCHORS} are needed to find its "
                "scale.",
                remedy="Calibrate when enough of its items were answered again, or look further back: --since DATE",
            )
    else:
        kept = np.flatnonzero(n_items >= MIN_ITEMS)
        why = "nobody who answered it answered the other items as well"
        if not kept.size:
            raise InvalidInput(
                f"{len(made.item_keys)} items are too few to calibrate: it takes {MIN_ITEMS} that the same learners "
                "answered.",
                remedy="Ingest answers to more items: seedtest ingest FILE",
            )
        if kept.size > 1:
            raise _apart(made, of_item, kept)
    inside = np.isin(of_item, kept)
    if inside.all():
        return made
    out = tuple((made.item_keys[j], why) for j in np.flatnonzero(~inside))
    return made.only(np.flatnonzero(inside), out)


def _apart(made: Sample, of_item: Ints, sets: Ints) -> InvalidInput:
    def named(component: int) -> str:
        items = np.flatnonzero(of_item == component)
        exam = made.exam[of_item[made.answers.item] == component]
        exams = [name for e, name in enumerate(made.exams) if (exam == e).any() and name != NO_EXAM]
        return f"{f'exam {exams[0]}' if exams else f'the set of item {made.item_keys[items[0]]}'} ({items.size} items)"

    parts = [named(component) for component in sets.tolist()]
    more = f" and {len(parts) - 5} more" if len(parts) > 5 else ""
    return InvalidInput(
        f"The items fall apart into {len(parts)} sets that no learner connects, and nothing puts them on one scale: "
        f"{', '.join(parts[:5])}{more}.",
        remedy="Calibrate one of them: seedtest calibrate --exam NAME",
        outcome="No bank was made.",
    )
