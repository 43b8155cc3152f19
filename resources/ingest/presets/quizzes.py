"""Reports of a quiz with a row per attempt and columns per question: Moodle's grades, Canvas's student analysis."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.ingest.presets.preset import Export, Texts, chosen, full_marks_or_not, texts
from resources.ingest.reading.csv_reader import distinct
from resources.ingest.reading.layout import require_content
from resources.ingest.reading.sources import SourceFile
from resources.model import Ints


@dataclass(frozen=True)
class _Question:
    item_id: str
    column: str
    full: float


class Moodle(Export):
    """The quiz report `Grades` as CSV, with marks for each question: an item is the file's name and a number.

    Source: Moodle, mod/quiz/report/overview.
    """

    name = "moodle"
    _LEARNER = ("Email address", "Username", "ID number")
    _MARKS = re.compile(r"^Q\. ?(\S+) ?/(\d+[.,]?\d*)$")
    _UNREAD = ("Requires grading", "Not yet graded")

    def wanted(self, header: Sequence[str], file: SourceFile) -> list[str]:
        require_content(header, file.name)
        self._learner = next((name for name in self._LEARNER if name in header), "")
        self._state = "State" if "State" in header else "Status"
        self._questions = [
            _Question(f"{file.path.name.partition('.')[0]} Q. {found[1]}", name, full)
            for name in header
            if (found := self._MARKS.match(name)) and (full := float(found[2].replace(",", "."))) > 0
        ]
        needed = [self._state, "Started on", "Completed"]
        missing = [name for name in needed if name not in header]
        missing += [] if self._learner else [" or ".join(self._LEARNER)]
        missing += [] if self._questions else ["Q. 1 /1.00 (marks for each question)"]
        if missing:
            raise self.refusal(file, f"has no column {', '.join(missing)}", header)
        return [self._learner, *needed, *(question.column for question in self._questions)]

    def responses(self, table: pa.Table, places: Ints, file: SourceFile) -> tuple[pa.Table, Ints]:
        users, states = texts(table, self._learner), texts(table, self._state)
        started = texts(table, "Started on")
        finished = [user is not None and state == "Finished" for user, state in zip(users, states, strict=True)]
        self.notes["Attempts that are not finished, and rows of averages, which were left aside: {n}."] += sum(
            not done for done in finished
        )
        sessions: Texts = [f"{user} {at}" for user, at in zip(users, started, strict=True)]
        marks = []
        for question in self._questions:
            column = texts(table, question.column)
            unread = [text in self._UNREAD and done for text, done in zip(column, finished, strict=True)]
            self.notes["Answers that nobody has graded yet, which count as not answered: {n}."] += sum(unread)
            known = [
                text if done and not wait else None for text, wait, done in zip(column, unread, finished, strict=True)
            ]
            marks.append([full_marks_or_not(text, question.full, self.notes) for text in known])
        same = {"user_id": users, "session_id": sessions, "answered_at": _moodle_times(table)}
        return _long(same, [question.item_id for question in self._questions], marks, places, [finished] * len(marks))


class Canvas(Export):
    """A quiz's student analysis: two columns for each question, `id: text` with the answer, then the points, whose name
    is how many there are.

    Source: Canvas LMS, quizzes/quiz_statistics/student_analysis.rb.
    """

    name = "canvas"
    _QUESTION = re.compile(r"^(\d+): ?")
    _POINTS = re.compile(r"^\d+(\.\d+)?$")

    def wanted(self, header: Sequence[str], file: SourceFile) -> list[str]:
        require_content(header, file.name)
        pairs = [
            (found[1], name, place + 1)
            for place, name in enumerate(header[:-1])
            if (found := self._QUESTION.match(name)) and self._POINTS.match(header[place + 1])
        ]
        # Questions of equal points have columns of one name; the reader gives a later one its place (`distinct`).
        self._questions = [
            (answer, _Question(item, distinct(header)[place], float(header[place]))) for item, answer, place in pairs
        ]
        missing = [name for name in ("id", "submitted") if name not in header]
        missing += [] if self._questions else ["123: question, followed by its points"]
        if missing:
            raise self.refusal(file, f"has no column {', '.join(missing)}", header)
        self._has_attempts = "attempt" in header
        told = ["id", "submitted", *(["attempt"] if self._has_attempts else [])]
        return told + [name for answer, question in self._questions for name in (answer, question.column)]

    def responses(self, table: pa.Table, places: Ints, file: SourceFile) -> tuple[pa.Table, Ints]:
        users = texts(table, "id")
        at = [text.replace(" UTC", "Z") if text else text for text in texts(table, "submitted")]
        marks, asked = [], []
        for answer, question in self._questions:
            answers, points = texts(table, answer), texts(table, question.column)
            asked.append([text is not None for text in points])
            given = [None if text is None else got for text, got in zip(answers, points, strict=True)]
            marks.append([full_marks_or_not(got, question.full, self.notes) for got in given])
        quiz = file.path.name.partition(".")[0]
        sessions: Texts = [f"{quiz} {user} {when}" for user, when in zip(users, at, strict=True)]
        same: dict[str, Texts] = {"user_id": users, "session_id": sessions, "answered_at": at}
        if self._has_attempts:
            same["attempt_no"] = texts(table, "attempt")
        return _long(same, [question.item_id for _, question in self._questions], marks, places, asked)


def _long(
    same: dict[str, Texts],
    item_ids: Sequence[str],
    marks: Sequence[Texts],
    places: Ints,
    kept: Sequence[Sequence[bool]],
) -> tuple[pa.Table, Ints]:
    """A row for each question of each attempt, in the order of the attempts."""
    n_questions, n_rows = len(item_ids), len(places)
    columns = {name: [value for value in values for _ in range(n_questions)] for name, values in same.items()}
    columns["item_id"] = [*item_ids] * n_rows
    columns["correct"] = [marks[question][row] for row in range(n_rows) for question in range(n_questions)]
    mask = [kept[question][row] for row in range(n_rows) for question in range(n_questions)]
    return chosen(columns, np.repeat(places, n_questions), mask)


def _moodle_times(table: pa.Table) -> Texts:
    """`12 February 2021  1:03 PM` and the like, in English, as ISO 8601; others stay, for the rules to refuse."""
    text = pa.array(texts(table, "Completed"), pa.large_string())
    plain = pc.replace_substring_regex(text, pattern=r"^[A-Za-z]+,? +(\d)", replacement=r"\1")
    plain = pc.replace_substring_regex(plain, pattern=r"[, ]+", replacement=" ")
    read = pc.strptime(plain, format="%d %B %Y %I:%M %p", unit="s", error_is_null=True)
    found: Texts = pc.coalesce(read.cast(pa.large_string()), text).to_pylist()
    return found
