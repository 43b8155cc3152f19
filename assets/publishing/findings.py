"""What learners' own answers tell beside their levels: change, and topics. Of all learners of a batch at once.

Computed for reports that are made only: it takes longer than to see that a report is as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from resources.irt.growth.change import change, over_last, since_start
from resources.irt.response_matrix import ResponseMatrix
from resources.irt.subscores import RELIABLE, subscores
from resources.model import Floats, ItemBank
from resources.reports.learner.report_input import Change, ReportInput, Topic

OVER_WEEKS = 4.0  # the change that a report tells, or since the learner's first answers where they are younger
SHORTEST = 1.0  # weeks; how answers of one week differ is no change of ability to tell a learner of
TOPIC_WEEKS = 8.0  # of one week, six topics in seven have too few answers to say anything


def with_findings(reports: Sequence[ReportInput]) -> list[ReportInput]:
    """The same reports of one week and one bank, with `change`, `change_since_start` and `topics`."""
    if not reports:
        return []
    of, bank = _Batch(reports), reports[0].bank
    changes, since, topics = _changes(of, bank), _changes_since_start(of, bank), _topics(of, reports)
    return [
        replace(report, change=changes.get(i), change_since_start=since.get(i), topics=topics.get(i, ()))
        for i, report in enumerate(reports)
    ]


class _Batch:
    """The learners' scored answers as one; `newest` and `oldest` are weeks before the end of the week, per learner, inf
    and -inf without any."""

    def __init__(self, reports: Sequence[ReportInput]) -> None:
        scored = [report.scored for report in reports]
        user = np.repeat(np.arange(len(scored)), [one.item.size for one in scored])
        item, correct = (np.concatenate([getattr(one, name) for one in scored]) for name in ("item", "correct"))
        self.matrix = ResponseMatrix(user, item, correct, len(scored), len(reports[0].bank.item_keys))
        self.weeks_ago = np.concatenate([one.weeks_ago for one in scored])
        self.newest, self.oldest = np.full(len(scored), np.inf), np.full(len(scored), -np.inf)
        np.minimum.at(self.newest, user, self.weeks_ago)
        np.maximum.at(self.oldest, user, self.weeks_ago)

    @property
    def of_the_week(self) -> NDArray[np.bool_]:
        return self.newest <= 1

    def rows(self, which: NDArray[np.bool_]) -> tuple[ResponseMatrix, NDArray[np.intp]]:
        rows, of = np.flatnonzero(which), self.matrix
        return ResponseMatrix(of.user[rows], of.item[rows], of.correct[rows], of.n_users, of.n_items), rows

    def change(self, position: Floats, told: NDArray[np.bool_], weeks: Floats, bank: ItemBank) -> dict[int, Change]:
        """Of those learners who are to be told one, and can be; `position` is NaN where an answer does not matter."""
        some, rows = self.rows(told[self.matrix.user] & ~np.isnan(position))
        found = change(some, position[rows], bank.items)
        return {
            i: Change(
                max(1, round(weeks[i].item())), round(found.change[i].item(), 9), round(found.se[i].item(), 9),
                found.verdict[i],
            )
            for i in np.flatnonzero(told).tolist()
            if found.verdict[i] is not None
        }  # fmt: skip


def _changes(of: _Batch, bank: ItemBank) -> dict[int, Change]:
    """The change over four weeks of those who have new scored answers in the week, where they can carry one.

    From answer to answer: four weeks end with the learner's last one, and begin with the first where that is younger.
    """
    user, over = of.matrix.user, np.minimum(of.oldest - of.newest, OVER_WEEKS)
    told = of.of_the_week & (over >= SHORTEST)
    with np.errstate(divide="ignore", invalid="ignore"):  # of those who are told nothing
        position = over_last(of.weeks_ago - of.newest[user], over[user])
    return of.change(position, told, over, bank)


def _changes_since_start(of: _Batch, bank: ItemBank) -> dict[int, Change]:
    """The same from the learner's first four weeks to the last four, of those who have been there for eight."""
    user, over = of.matrix.user, of.oldest - of.newest
    position = since_start(of.weeks_ago - of.newest[user], over[user])
    return of.change(position, of.of_the_week & (over >= 2 * OVER_WEEKS), over, bank)


@dataclass(frozen=True)
class _Names:
    """The batch's topics, ascending, and the place of each answer's there, -1 of none."""

    names: Sequence[str]
    place: NDArray[np.int64]


def _names(reports: Sequence[ReportInput]) -> _Names:
    told = [name for report in reports for name in report.scored.topics]
    names = sorted({name for name in told if name is not None})
    place = {name: i for i, name in enumerate(names)}
    return _Names(names, np.array([place.get(name, -1) if name is not None else -1 for name in told], np.int64))


def _topics(of: _Batch, reports: Sequence[ReportInput]) -> dict[int, list[Topic]]:
    """Each learner's topics of the last weeks, by name."""
    topic = _names(reports)
    some, rows = of.rows(of.weeks_ago <= TOPIC_WEEKS)
    found = subscores(some, topic.place[rows], of.weeks_ago[rows], reports[0].bank.items)
    topics: dict[int, list[Topic]] = {}
    for user, name, n, n_right, expected, deviation, se, reliability, verdict in zip(
        *(column.tolist() for column in vars(found).values()), strict=True
    ):
        # To 1e-9: who else was in the batch changes the last bits of a sum.
        numbers = (round(expected, 9), round(deviation, 9), round(se, 9))
        told = Topic(topic.names[name], n, n_right, *numbers, reliability >= RELIABLE, verdict)
        topics.setdefault(user, []).append(told)
    return topics
