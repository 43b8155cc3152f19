"""Open data sets of answers: EdNet (KT1), Riiid's competition, ASSISTments 2012-13 and OULAD."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence

import pyarrow as pa

from resources.errors import InvalidInput
from resources.ingest.checking.faults import NOTHING_LOADED
from resources.ingest.presets.preset import Export, aside, chosen, full_marks_or_not, small_table, texts
from resources.ingest.reading.sources import Source, SourceFile
from resources.model import Ints

_OULAD_MONTHS = {"B": 2, "J": 10}  # a presentation begins in February or in October of its year


class EdNet(Export):
    """KT1: a file of each learner, `u123.csv`, and `questions.csv` with the right answers.

    Source: Choi et al. (2020), EdNet: A Large-Scale Hierarchical Dataset in Education.
    """

    name = "ednet"
    columns = ("timestamp", "solving_id", "question_id", "user_answer", "elapsed_time")

    def begin(self, source: Source) -> None:
        rows = small_table(aside(source, "questions.csv", self.name), ("question_id", "correct_answer", "part"))
        self._key = {row["question_id"]: row["correct_answer"] for row in rows}
        self._part = {row["question_id"]: f"Part {row['part']}" for row in rows}

    def is_aside(self, file: SourceFile) -> bool:
        return file.path.name in ("questions.csv", "lectures.csv", "payments.csv", "coupons.csv")

    def responses(self, table: pa.Table, places: Ints, file: SourceFile) -> tuple[pa.Table, Ints]:
        user = file.path.name.partition(".")[0]
        items = texts(table, "question_id")
        return chosen(
            {
                "user_id": [user] * table.num_rows,
                "session_id": [f"{user}-{solving}" for solving in texts(table, "solving_id")],
                "item_id": items,
                "correct": [self._marked(item, a) for item, a in zip(items, texts(table, "user_answer"), strict=True)],
                "answered_at": texts(table, "timestamp"),
                "response_time_ms": texts(table, "elapsed_time"),
                "topic": [self._part.get(item or "") for item in items],
            },
            places,
        )

    def _marked(self, item: str | None, answer: str | None) -> str | None:
        if answer is None:
            return None
        key = self._key.get(item or "")
        return f"no key of {item} in questions.csv" if key is None else str(int(answer == key))


class Riiid(Export):
    """`train.csv`. It tells the time since each learner's first event only: all begin on one day here.

    Source: Kaggle, Riiid! Answer Correctness Prediction (2020), Data.
    """

    name = "riiid"
    columns = ("timestamp", "user_id", "content_id", "content_type_id", "task_container_id", "answered_correctly")
    _BEGIN = dt.datetime(2018, 1, 1, tzinfo=dt.UTC)  # a Monday; the longest history, of 2.8 years, ends before 2021

    def responses(self, table: pa.Table, places: Ints, file: SourceFile) -> tuple[pa.Table, Ints]:
        kinds, users = texts(table, "content_type_id"), texts(table, "user_id")
        questions = [kind not in ("1", "1.0", "True") for kind in kinds]
        self.notes["Lectures, which were left aside: {n}."] += len(questions) - sum(questions)
        self.notes[
            f"Answers whose time is counted from {self._BEGIN:%Y-%m-%d}, since the file does not date a learner's "
            "first event: {n}."
        ] += sum(questions)
        return chosen(
            {
                "user_id": users,
                "session_id": [f"{u}-{t}" for u, t in zip(users, texts(table, "task_container_id"), strict=True)],
                "item_id": texts(table, "content_id"),
                "correct": texts(table, "answered_correctly"),
                "answered_at": [self._at(since) for since in texts(table, "timestamp")],
            },
            places,
            questions,
        )

    def _at(self, since_ms: str | None) -> str | None:
        if since_ms is None or not since_ms.isdecimal():
            return since_ms
        return (self._BEGIN + dt.timedelta(milliseconds=int(since_ms))).isoformat(timespec="milliseconds")


class Assistments(Export):
    """2012-13 school data (`2012-2013-data-with-predictions-4-final.csv`); the first response counts.

    Source: ASSISTmentsData, 2012-13 School Data with Affect.
    """

    name = "assistments"
    columns = ("user_id", "assignment_id", "problem_id", "correct", "start_time", "ms_first_response", "skill")
    topics_may_differ = True

    def wanted(self, header: Sequence[str], file: SourceFile) -> list[str]:
        if "order_id" in header and "start_time" not in header:
            raise InvalidInput(
                f"{file.name} tells no time of an answer, as all skill builder data of 2009-10", where=file.name,
                remedy="take a data set with start_time, such as 2012-13.", outcome=NOTHING_LOADED,
            )  # fmt: skip
        return super().wanted(header, file)

    def responses(self, table: pa.Table, places: Ints, file: SourceFile) -> tuple[pa.Table, Ints]:
        taken = texts(table, "ms_first_response")
        negative = [text is not None and text.startswith("-") for text in taken]
        self.notes["Negative response times, which count as not known: {n}."] += sum(negative)
        return chosen(
            {
                "user_id": texts(table, "user_id"),
                "session_id": texts(table, "assignment_id"),
                "item_id": texts(table, "problem_id"),
                "correct": [full_marks_or_not(text, 1.0, self.notes) for text in texts(table, "correct")],
                "answered_at": texts(table, "start_time"),
                "response_time_ms": [None if gone else text for text, gone in zip(taken, negative, strict=True)],
                "topic": texts(table, "skill"),
            },
            places,
        )


class Oulad(Export):
    """`studentAssessment.csv` with `assessments.csv` beside it: an assessment is an item, right from the pass mark on.

    Source: Kuzilek, Hlosta and Zdrahal (2017), Open University Learning Analytics dataset.
    """

    name = "oulad"
    columns = ("id_assessment", "id_student", "date_submitted", "is_banked", "score")
    _PASS = 40

    def begin(self, source: Source) -> None:
        needed = ("id_assessment", "code_module", "code_presentation")
        rows = small_table(aside(source, "assessments.csv", self.name), needed)
        self._of = {row["id_assessment"]: (row["code_module"], row["code_presentation"]) for row in rows}

    def is_aside(self, file: SourceFile) -> bool:
        return file.path.name != "studentAssessment.csv"

    def responses(self, table: pa.Table, places: Ints, file: SourceFile) -> tuple[pa.Table, Ints]:
        items, days, banked = (texts(table, name) for name in ("id_assessment", "date_submitted", "is_banked"))
        kept = [text not in ("1", "1.0") for text in banked]
        self.notes["Results carried over from an earlier presentation, which were left aside: {n}."] += sum(
            not keep for keep in kept
        )
        self.notes[f"Whole assessments that count as items, right from a score of {self._PASS} on: {{n}}."] += sum(kept)
        of = [self._of.get(item or "", ("", "")) for item in items]
        return chosen(
            {
                "user_id": texts(table, "id_student"),
                "session_id": [f"{m}-{p}-{item}" for (m, p), item in zip(of, items, strict=True)],
                "item_id": items,
                "correct": [self._marked(score) for score in texts(table, "score")],
                "answered_at": [self._at(presentation, day) for (_, presentation), day in zip(of, days, strict=True)],
                "topic": [module or None for module, _ in of],
            },
            places,
            kept,
        )

    def _marked(self, score: str | None) -> str | None:
        if score is None or score == "?":  # how the first edition wrote that there is none
            return None
        return full_marks_or_not(score, self._PASS, Counter())

    def _at(self, presentation: str, day: str | None) -> str | None:
        month = _OULAD_MONTHS.get(presentation[4:5])
        if month is None or day is None or not day.lstrip("-").isdecimal():
            return f"day {day} of presentation {presentation or 'unknown'}"
        begins = dt.datetime(int(presentation[:4]), month, 1, tzinfo=dt.UTC)
        return (begins + dt.timedelta(days=int(day))).isoformat()
