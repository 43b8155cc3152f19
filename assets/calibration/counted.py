"""What counts for a calibration of all answers ever, read some learners at a time: a fifth of what the answers take."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from resources.answers.answers import Answers
from resources.answers.blanks import Counts, Omitted, scored
from resources.answers.counting import counting
from resources.model import Instants

NO_EXAM = "no exam"

Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Counted:
    """Each learner's first attempts ever, right (1) or wrong (0), each of shape (n,); `user`, `item` and `exam` index
    their names. `topics` tells an item's, of those with one; `blanks` counts all questions that were read."""

    user: Codes
    item: Codes
    exam: Codes
    correct: NDArray[np.int8]
    completed_at: Instants
    user_ids: tuple[str, ...]
    item_keys: tuple[str, ...]
    exams: tuple[str, ...]
    topics: Mapping[str, str]
    blanks: Counts


def counted(tables: Iterable[pa.Table], exam_of: Mapping[str, str], omitted: Omitted = "missing") -> Counted:
    """From tables with the columns of `answers.schema`, each of other learners; `exam_of` tells a session's exam."""
    users, items, exams = dict[str, int](), dict[str, int](), dict[str, int]()
    topics, blanks = Counter[tuple[str, str]](), Counts()
    nothing = np.zeros(0, np.int32)
    parts = [(nothing, nothing, nothing, nothing.astype(np.int8), np.zeros(0, "datetime64[us]"))]
    for table in tables:
        blanks += Counts.of(table)
        whole = scored(Answers.from_table(table), omitted)
        topics.update(_topics(whole))
        some = whole.take(counting(whole))
        some = some.take(~np.isnan(some.correct))
        exam = [exam_of.get(session) or NO_EXAM for session in some.session_ids]
        parts.append((
            _codes(some.user_ids, users)[some.user], _codes(some.item_keys, items)[some.item],
            _codes([*exam, NO_EXAM], exams)[some.session],  # the last one is what session -1 means
            some.correct.astype(np.int8), some.completed_at,
        ))  # fmt: skip
    user, item, exam_code, correct, at = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Counted(
        user, item, exam_code, correct, at, tuple(users), tuple(items), tuple(exams), _most_frequent(topics), blanks
    )


def _codes(names: Iterable[str], known: dict[str, int]) -> Codes:
    return np.array([known.setdefault(name, len(known)) for name in names], np.int32)


def _topics(answers: Answers) -> dict[tuple[str, str], int]:
    """How often an item was answered under a topic."""
    named = answers.topic >= 0
    pairs, n = np.unique(np.stack([answers.item[named], answers.topic[named]]), axis=1, return_counts=True)
    return {
        (answers.item_keys[item], answers.topic_ids[topic]): int(count)
        for item, topic, count in zip(*pairs.tolist(), n.tolist(), strict=True)
    }


def _most_frequent(topics: Counter[tuple[str, str]]) -> dict[str, str]:
    """An item's topic is that under which it was answered most often, of equals the first by name."""
    found = dict[str, str]()
    for (item, topic), _ in sorted(topics.items(), key=lambda pair: (-pair[1], pair[0][1])):
        found.setdefault(item, topic)
    return found
