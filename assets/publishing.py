"""Publishing one week's reports: render, verify, store the file, then record its row; each learner on their own.

Stays out: Dagster, and which partitions were asked for.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

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

_Estimate = TypeVar("_Estimate", Level, WeekLevel)


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
        past_of = _pasts(history, week)
        for user_id in members:
            past = past_of.get(user_id, _Past(None, ()))
            own = answers_of.get(user_id, nothing)
            if past.level is not None or len(own):
                yield ReportInput(user_id, week, past.level, past.weeks, own, self.bank, week.ends_at, self.window_days)

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


@dataclass(frozen=True)
class _Past:
    """A learner's estimates up to a week, ascending, and the week's own, None where it has none."""

    level: Level | None
    weeks: Sequence[WeekLevel]


def _pasts(history: pd.DataFrame, week: Week) -> dict[str, _Past]:
    """Each user's past, from a history in the order of users and weeks; without a frame per user, which takes longer
    than the report."""
    week_of = {start: Week(start) for start in history["week_start"].unique()}
    columns = ("week_start", "theta", "se", "n_items", "n_unknown_item", "n_unusable", "model", "version")
    rows = zip(
        history["user_id"].tolist(), zip(*(history[name].tolist() for name in columns), strict=True), strict=True
    )
    pasts = {}
    for user_id, of_user in groupby(rows, key=itemgetter(0)):
        own = [row for _, row in of_user]
        start, *level = own[-1]
        pasts[user_id] = _Past(
            Level(*level) if start == week.start else None,
            [WeekLevel(week_of[start], theta, se) for start, theta, se, *_ in own],
        )
    return pasts


@cache
def _recipe() -> str:
    """SHA-256 of the code that makes reports: reports made by other code are made again."""
    sources = sorted(Path(resources.reports.__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def _rounded(estimates: Sequence[_Estimate]) -> list[_Estimate]:
    """To 1e-9 logits: who else was in the batch changes the last bits of a sum, and no page shows so many."""
    return [replace(estimate, theta=round(estimate.theta, 9), se=round(estimate.se, 9)) for estimate in estimates]


def _fingerprint(template: Template, report: ReportInput) -> str:
    """SHA-256 of everything that a report's bytes depend on."""
    answers = report.answers
    parts = (
        _recipe(), template.sha256, report.user_id, report.week, _rounded(report.history),
        _rounded([report.level] if report.level else []), report.as_of,
        report.window_days, report.bank.version, report.bank.model, answers.item_keys, answers.topics, answers.sessions,
        answers.correct.tolist(), answers.answered_at.tolist(), answers.response_time_ms.tolist(),
        answers.attempt_no.tolist(),
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()
