"""Publishing one week's reports: render, verify, store the file, then record its row; each report on its own.

Rendering stays in the calling thread, while a few others talk to the store. Stays out: Dagster, and which partitions
were asked for.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import sqlalchemy as sa

from assets.abilities.plausibility import PLAUSIBLE_LOGITS, plausible
from assets.publishing.report_inputs import report_inputs
from resources.answers.answers import Answers
from resources.artifacts.ordered_pool import OrderedPool
from resources.artifacts.store import ArtifactStore, report_key
from resources.database.engine import transaction
from resources.database.queries import abilities, report_artifacts
from resources.database.queries.report_artifacts import ReportArtifact
from resources.errors import RetryLater, StoreRefuses, TemplateBroken
from resources.model import Format, ItemBank, Week
from resources.reports.document.checks import verify
from resources.reports.document.fill import render
from resources.reports.document.recipe import recipe
from resources.reports.document.template import Template
from resources.reports.learner.report_input import Level, ReportInput, WeekLevel
from resources.reports.learner.scale import Scale

_CONTENT_TYPES: Mapping[Format, str] = {"html": "text/html; charset=utf-8", "pdf": "application/pdf"}
# Learners per transaction: a killed run loses the rows of at most so many, and a rerun makes those reports again.
BATCH = 100
# A run shows so many of its links and counts the others: of a million learners, a list would outgrow all else.
LINKS = 20

_Estimate = TypeVar("_Estimate", Level, WeekLevel)


@dataclass(frozen=True)
class Failed:
    user_id: str
    week: Week
    format: Format
    reason: str


@dataclass(frozen=True)
class _Job:
    """One file to publish. `inputs_sha256` is of all that its bytes depend on; `before` is its row, if it has one."""

    report: ReportInput
    format: Format
    template: Template
    inputs_sha256: str
    before: ReportArtifact | None

    @property
    def key(self) -> str:
        return report_key(self.report.week, self.report.user_id, self.format)


@dataclass
class Publisher:
    """Publishes a file per template, with one bank; counts what came of it. `links` are the first few; `implausible`
    are learners and weeks without a report, since an estimate up to then cannot be true."""

    engine: sa.Engine
    store: ArtifactStore
    templates: Mapping[Format, Template]
    bank: ItemBank
    scale: Scale
    window_days: int
    written: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    links: list[ReportArtifact] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    implausible: list[tuple[str, Week]] = field(default_factory=list)

    @property
    def published(self) -> int:
        return self.written + self.unchanged

    def publish(
        self, week: Week, members: Sequence[str], answers: Answers, counted: Answers, done: Callable[[int], None]
    ) -> None:
        """Reports for those of `members` who answered in the week or were measured within the look-back.

        `answers` are those of the last weeks, `counted` those of them and of the first that count for ability; `done`
        hears of each few members that are done with. A learner stands among everybody who was measured in the four
        weeks before: for all of a week they are the same, whatever run makes which part of it.

        A report whose inputs are those of the recorded one, and whose file is there, is left as it is. One that nothing
        is left to be said in, since answers were taken back, goes: its file, then its row. One that fails is in
        `failed`, and the others are made.

        Raises:
            RetryLater: the database or the store does not answer; what was published before stays.
            StoreRefuses: the store takes no report from this process.
            TemplateBroken: no report can be made from this template.
        """
        with transaction(self.engine) as connection:
            history = abilities.history(connection, members, week)
            everybody = abilities.distribution(connection, week, PLAUSIBLE_LOGITS)
            recorded = {(row.user_id, row.format): row for row in report_artifacts.of_week(connection, week, members)}
        good = plausible(history["theta"].to_numpy(), history["se"].to_numpy())
        quarantined = set(history["user_id"][~good])
        self.implausible += [(user_id, week) for user_id in sorted(quarantined)]
        with OrderedPool() as pool:
            for start in range(0, len(members), BATCH):
                batch = [user_id for user_id in members[start : start + BATCH] if user_id not in quarantined]
                past = history[history["user_id"].isin(batch)]
                due = report_inputs(
                    week, batch, answers.of_users(batch), counted.of_users(batch), past, everybody,
                    bank=self.bank, scale=self.scale, window_days=self.window_days,
                )  # fmt: skip
                gone = set(batch)
                rows = self._batch(self._jobs(due, recorded, gone), pool)
                old = [row for row in recorded.values() if row.user_id in gone and row.sha256]
                for row in old:
                    self.store.delete(report_key(week, row.user_id, row.format))
                with transaction(self.engine) as connection:
                    report_artifacts.record(connection, rows)
                    self.withdrawn += report_artifacts.forget(connection, week, [row.url for row in old])
                done(len(members[start : start + BATCH]))

    def _jobs(
        self, reports: Iterable[ReportInput], recorded: Mapping[tuple[str, str], ReportArtifact], gone: set[str]
    ) -> Iterator[_Job]:
        """Who has a report is taken out of `gone`."""
        for report in reports:
            gone.discard(report.user_id)
            for form, template in self.templates.items():
                before = recorded.get((report.user_id, form))
                yield _Job(report, form, template, _fingerprint(template, report), before)

    def _batch(self, jobs: Iterable[_Job], pool: OrderedPool) -> list[ReportArtifact]:
        """The rows to record, of files that are stored; none for what stays as it is or fails."""
        rows = []
        looked_up = pool.in_order((job, partial(self._stands, job)) for job in jobs)
        for job, stored in pool.in_order(self._made(looked_up)):
            with self._on_its_own(job):
                row = stored.result()
                if len(self.links) < LINKS:
                    self.links.append(row)
                if row is job.before:
                    self.unchanged += 1
                else:
                    self.written += 1
                    rows.append(row)
        return rows

    def _stands(self, job: _Job) -> bool:
        """Whether the recorded report is the one that would be made, and its file is there.

        The store is asked, and not the row believed: a rerun is how a file that was lost comes back.
        """
        before = job.before
        return (
            before is not None
            and before.inputs_sha256 == job.inputs_sha256
            and before.url == self.store.address(job.key)
            and self.store.sha256(job.key) == before.sha256
        )

    def _made(
        self, looked_up: Iterable[tuple[_Job, Future[bool]]]
    ) -> Iterator[tuple[_Job, Callable[[], ReportArtifact]]]:
        """What is left to do for each report, once it is rendered."""
        for job, stands in looked_up:
            with self._on_its_own(job):
                if job.before and stands.result():
                    yield job, partial(_same, job.before)
                else:
                    page = render(job.template, job.report)
                    verify(page, job.report.user_id, job.report.week, job.template)
                    yield job, partial(self._store, job, page)

    def _store(self, job: _Job, page: bytes) -> ReportArtifact:
        url = self.store.put(job.key, page, _CONTENT_TYPES[job.format])
        return ReportArtifact(
            job.report.user_id,
            job.report.week,
            job.format,
            url,
            dt.datetime.now(dt.UTC),
            hashlib.sha256(page).hexdigest(),
            job.inputs_sha256,
        )

    @contextmanager
    def _on_its_own(self, job: _Job) -> Iterator[None]:
        """One report's failure is put down and must not stop the others; the run ends red."""
        try:
            yield
        except (RetryLater, StoreRefuses, TemplateBroken):  # not this learner's fault: the next would fail just so
            raise
        except Exception as error:  # noqa: BLE001 - as the docstring says
            reason = f"{type(error).__name__}: {error}"
            self.failed.append(Failed(job.report.user_id, job.report.week, job.format, reason))


def _same(row: ReportArtifact) -> ReportArtifact:
    return row


def _rounded(estimates: Sequence[_Estimate]) -> list[_Estimate]:
    """To 1e-9 logits: who else was in the batch changes the last bits of a sum, and no page shows so many."""
    return [replace(estimate, theta=round(estimate.theta, 9), se=round(estimate.se, 9)) for estimate in estimates]


def _fingerprint(template: Template, report: ReportInput) -> str:
    """SHA-256 of everything that a report's bytes depend on. A blank is shown as one, omitted or not reached."""
    answers = report.answers
    parts = (
        recipe(), template.sha256, report.user_id, report.week, _rounded(report.history),
        _rounded([report.level] if report.level else []), report.standing, report.change,
        report.change_since_start, report.as_of, report.window_days,
        report.scale, sorted(report.seen), report.bank.version, report.bank.model,
        answers.keys, answers.topics, answers.sessions, answers.correct.tolist(), answers.completed_at.tolist(),
        answers.response_time_ms.tolist(), answers.attempt_no.tolist(), answers.hint_used.tolist(),
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()
