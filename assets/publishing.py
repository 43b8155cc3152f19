"""Publishing one week's reports: render, verify, store the file, then record its row; each learner on their own.

Stays out: Dagster, and which partitions were asked for.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

import resources.reports
from resources.artifacts.store import ArtifactStore, report_key
from resources.database import abilities, artifacts
from resources.database.artifacts import ReportArtifact
from resources.database.engine import transaction
from resources.errors import RetryLater, TemplateBroken
from resources.model import ItemBank, Week
from resources.progress import Progress
from resources.reports.checks import verify
from resources.reports.fill import render
from resources.reports.report_input import Answers, Level, ReportInput, WeekLevel
from resources.reports.template import Template

FORMAT = "html"
# Reports per transaction: a killed run loses the rows of at most so many, and a rerun finds their files unchanged.
BATCH = 100


@dataclass(frozen=True)
class Failed:
    user_id: str
    week: Week
    reason: str


@dataclass
class Press:
    """Publishes with one template and bank; counts what came of it."""

    engine: sa.Engine
    store: ArtifactStore
    template: Template
    bank: ItemBank
    window_days: int
    written: int = 0
    unchanged: int = 0
    links: list[tuple[str, Week, str]] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)

    def publish(self, week: Week, members: Sequence[str], answers: pd.DataFrame, progress: Progress) -> None:
        """Reports for those of `members` who answered in the week or have an estimate of it.

        A report whose inputs are those of the recorded one, and whose file is there, is left as it is. One that fails
        is in `failed`, and the others are made.

        Raises:
            RetryLater: the database or the store does not answer; what was published before stays.
            TemplateBroken: no report can be made from this template.
        """
        with transaction(self.engine) as connection:
            history = abilities.history(connection, members, week)
            recorded = {
                row.user_id: row for row in artifacts.of_week(connection, week, members) if row.format == FORMAT
            }
        due = list(self._inputs(week, members, answers, history))
        for start in range(0, len(due), BATCH):
            rows = [row for report in due[start : start + BATCH] if (row := self._one(report, recorded))]
            with transaction(self.engine) as connection:
                artifacts.record(connection, rows)
            progress(f"reports of {week}", min(start + BATCH, len(due)), len(due))

    def _inputs(
        self, week: Week, members: Sequence[str], answers: pd.DataFrame, history: pd.DataFrame
    ) -> Iterator[ReportInput]:
        answers_of = Answers.by_user(answers)
        nothing = Answers.from_frame(answers.iloc[:0])
        history_of = dict(tuple(history.groupby("user_id")))
        for user_id in members:
            past = history_of.get(user_id, history.iloc[:0])
            own = answers_of.get(user_id, nothing)
            level = _level(past, week)
            if level is not None or len(own):
                yield ReportInput(
                    user_id, week, level, _weeks(past), own, self.bank, week.ends_at,
                    self.window_days,
                )  # fmt: skip

    def _one(self, report: ReportInput, recorded: Mapping[str, ReportArtifact]) -> ReportArtifact | None:
        """The row to record; None where nothing changed or this learner's report failed."""
        key = report_key(report.week, report.user_id, "weekly_report.html")
        inputs = _fingerprint(self.template, report)
        before = recorded.get(report.user_id)
        try:
            if before and before.inputs_sha256 == inputs and self.store.sha256(key) == before.sha256:
                self.unchanged += 1
                self.links.append((report.user_id, report.week, before.url))
                return None
            page = render(self.template, report)
            verify(page, report.user_id, report.week, self.template)
            url = self.store.put(key, page, "text/html; charset=utf-8")
        except (RetryLater, TemplateBroken):  # not this learner's fault: the next report would fail just so
            raise
        except Exception as error:  # noqa: BLE001 - one learner's report must not stop the others; the run ends red
            self.failed.append(Failed(report.user_id, report.week, f"{type(error).__name__}: {error}"))
            return None
        self.written += 1
        self.links.append((report.user_id, report.week, url))
        return ReportArtifact(
            report.user_id, report.week, FORMAT, url, dt.datetime.now(dt.UTC), hashlib.sha256(page).hexdigest(), inputs
        )


def _level(history: pd.DataFrame, week: Week) -> Level | None:
    """The week's own estimate from the last row of an ascending history."""
    if history.empty or history["week_start"].iloc[-1] != week.start:
        return None
    last = history.iloc[-1]
    return Level(
        float(last["theta"]), float(last["se"]), int(last["n_items"]), int(last["n_unknown_item"]),
        int(last["n_unusable"]), last["model"], last["version"],
    )  # fmt: skip


def _weeks(history: pd.DataFrame) -> list[WeekLevel]:
    rows = zip(history["week_start"], history["theta"], history["se"], strict=True)
    return [WeekLevel(Week(start), float(theta), float(se)) for start, theta, se in rows]


@cache
def _recipe() -> str:
    """SHA-256 of the code that makes reports: reports made by other code are made again."""
    sources = sorted(Path(resources.reports.__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def _fingerprint(template: Template, report: ReportInput) -> str:
    """SHA-256 of everything that a report's bytes depend on."""
    answers = report.answers
    parts = (
        _recipe(), template.sha256, report.user_id, report.week, report.level, tuple(report.history), report.as_of,
        report.window_days, report.bank.version, report.bank.model, answers.item_keys, answers.topics, answers.sessions,
        answers.correct.tolist(), answers.answered_at.tolist(), answers.response_time_ms.tolist(),
        answers.attempt_no.tolist(),
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()
