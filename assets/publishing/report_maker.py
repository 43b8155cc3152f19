"""One batch of learners' reports: render, verify, store the file; each report on its own.

It needs the store and no database, so that any process can do it. Rendering stays in the calling thread, while a few
others talk to the store. Stays out: which learners there are, and the rows.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

import pandas as pd

from assets.publishing.findings import with_findings
from assets.publishing.report_inputs import report_inputs
from resources.answers.answers import Answers
from resources.artifacts.ordered_pool import OrderedPool, settled
from resources.artifacts.store import CONTENT_TYPES, ArtifactStore, report_key
from resources.errors import RetryLater, StoreRefuses, TemplateBroken
from resources.model import (
    Absentees,
    Edition,
    Floats,
    Format,
    Goal,
    ItemBank,
    ItemCatalogue,
    ReportArtifact,
    Week,
    kind,
)
from resources.reports.document.checks import verify
from resources.reports.document.fill import render
from resources.reports.document.recipe import recipe
from resources.reports.document.template import Template
from resources.reports.learner.report_input import GroupMovement, ReportInput, WeekLevel
from resources.reports.learner.scale import Scale

# A run shows so many of its links and counts the others: of a million learners, a list would outgrow all else.
LINKS = 20
# To hand a look at one file to another thread takes longer than the look, where the store is a folder. A batch has work
# for all of the pool's threads, where it is a bucket.
LOOKED_UP_AT_ONCE = 16


@dataclass(frozen=True)
class Batch:
    """Learners and what their reports of a week are made from, as `report_inputs` says; `usual_ms` is how long
    everybody takes for an item, for the teacher's edition; `recorded` are the rows of the reports that they have, by
    user, edition and format."""

    week: Week
    members: Sequence[str]
    answers: Answers
    counted: Answers
    history: pd.DataFrame
    everybody: Floats
    usual_ms: Mapping[str, float]
    names: Mapping[str, str]
    goals: Mapping[str, Goal]
    group: GroupMovement
    recorded: Mapping[tuple[str, str, str], ReportArtifact]


@dataclass(frozen=True)
class Failed:
    user_id: str
    week: Week
    kind: str
    reason: str


@dataclass
class Made:
    """What came of a batch. `written` are rows to record, of files that are stored; `gone` are rows to forget, whose
    files are deleted: nothing is to be said in them, since answers were taken back or absentees get no report. `links`
    are the first few; `lost` are characters that no font has, and PDFs show as replaced."""

    written: list[ReportArtifact] = field(default_factory=list)
    unchanged: int = 0
    gone: list[ReportArtifact] = field(default_factory=list)
    links: list[ReportArtifact] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Job:
    """One file to publish. `report` is without findings. `inputs_sha256` is of all that its bytes depend on; `before`
    is its row, if it has one."""

    report: ReportInput
    edition: Edition
    template: Template
    inputs_sha256: str
    before: ReportArtifact | None

    @property
    def key(self) -> str:
        return report_key(self.report.week, self.report.user_id, self.template.format, self.edition)


@dataclass(frozen=True)
class ReportMaker:
    """Makes a file per edition and template, with one bank."""

    store: ArtifactStore
    templates: Mapping[Format, Template]
    bank: ItemBank
    items: ItemCatalogue
    scale: Scale
    window_days: int
    absentees: Absentees
    editions: Sequence[Edition]

    def make(self, batch: Batch) -> Made:
        """The reports of a batch.

        A report whose inputs are those of the recorded one, and whose file is there, is left as it is. One that fails
        is in `failed`, and the others are made.

        Raises:
            RetryLater: the store does not answer; files that were stored before stay.
            StoreRefuses: the store takes no report from this process.
            TemplateBroken: no report can be made from this template.
        """
        made, without = Made(), set(batch.members)
        with OrderedPool() as pool:
            some_at_a_time = _at_a_time(self._jobs(batch, without), LOOKED_UP_AT_ONCE)
            calls = pool.in_order((some, partial(self._look_up, some)) for some in some_at_a_time)
            looked_up = [pair for some, found in calls for pair in zip(some, found.result(), strict=True)]
            for job, stored in pool.in_order(self._rendered(looked_up, made)):
                with _on_its_own(job, made):
                    row = stored.result()
                    if len(made.links) < LINKS:
                        made.links.append(row)
                    if row is job.before:
                        made.unchanged += 1
                    else:
                        made.written.append(row)
        made.gone += [row for row in batch.recorded.values() if row.user_id in without and row.sha256]
        for row in made.gone:
            self.store.delete(report_key(batch.week, row.user_id, row.format, row.edition))
        return made

    def _jobs(self, batch: Batch, without: set[str]) -> Iterator[_Job]:
        """Who has a report is taken out of `without`."""
        reports = report_inputs(
            batch.week, batch.members, batch.answers, batch.counted, batch.history, batch.everybody,
            bank=self.bank, scale=self.scale, window_days=self.window_days, items=self.items,
            absentees=self.absentees, names=batch.names, goals=batch.goals, group=batch.group,
        )  # fmt: skip
        for report in reports:
            without.discard(report.user_id)
            fingerprint = Fingerprint(report)
            for edition in self.editions:
                of_edition = in_edition(report, edition, batch.usual_ms)
                for form, template in self.templates.items():
                    before = batch.recorded.get((report.user_id, edition, form))
                    yield _Job(of_edition, edition, template, fingerprint.of(template, of_edition, edition), before)

    def _look_up(self, jobs: Sequence[_Job]) -> list[Future[bool]]:
        """Of each, whether the recorded report stands; one that cannot be looked up is in nobody's way."""
        found = []
        for job in jobs:
            stands = Future[bool]()
            try:
                stands.set_result(self._stands(job))
            except (RetryLater, StoreRefuses):  # the next would wait just so long
                raise
            except Exception as error:  # noqa: BLE001 - raised again, where it becomes this learner's failure
                stands.set_exception(error)
            found.append(stands)
        return found

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

    def _rendered(
        self, looked_up: Sequence[tuple[_Job, Future[bool]]], made: Made
    ) -> Iterator[tuple[_Job, Callable[[], ReportArtifact] | Future[ReportArtifact]]]:
        """What is left to do for each report."""
        stale = {
            job.report.user_id: job.report
            for job, stands in looked_up
            if not stands.exception() and not stands.result()
        }
        found = {report.user_id: report for report in with_findings(list(stale.values()))}
        for job, stands in looked_up:
            with _on_its_own(job, made):
                if stands.result() and job.before:
                    yield job, settled(job.before)
                else:
                    report = in_edition(found[job.report.user_id], job.edition, job.report.usual_ms)
                    page = render(job.template, report, made.lost, job.edition)
                    verify(page, report.user_id, report.week, job.template)
                    yield job, partial(self._store, job, page)

    def _store(self, job: _Job, page: bytes) -> ReportArtifact:
        url = self.store.put(job.key, page, CONTENT_TYPES[job.template.format])
        return ReportArtifact(
            job.report.user_id,
            job.report.week,
            job.template.format,
            url,
            dt.datetime.now(dt.UTC),
            hashlib.sha256(page).hexdigest(),
            job.inputs_sha256,
            job.edition,
        )


def _at_a_time(jobs: Iterator[_Job], n: int) -> Iterator[list[_Job]]:
    while some := list(islice(jobs, n)):
        yield some


@contextmanager
def _on_its_own(job: _Job, made: Made) -> Iterator[None]:
    """One report's failure is put down and must not stop the others; the run ends red."""
    try:
        yield
    except (RetryLater, StoreRefuses, TemplateBroken):  # not this learner's fault: the next would fail just so
        raise
    except Exception as error:  # noqa: BLE001 - as the docstring says
        reason = f"{type(error).__name__}: {error}"
        made.failed.append(Failed(job.report.user_id, job.report.week, kind(job.edition, job.template.format), reason))


def _rounded(past: WeekLevel) -> str:
    """To 1e-9 logits: who else was in the batch changes the last bits of a sum, and no page shows so many."""
    return f"{past.week.start} {past.theta:.9f} {past.se:.9f} {past.n_items}"


def in_edition(report: ReportInput, edition: Edition, usual_ms: Mapping[str, float]) -> ReportInput:
    """A teacher's is whole for an absentee, too."""
    if edition != "teacher":
        return report
    own = {key: usual_ms[key] for key in dict.fromkeys(report.answers.keys) if key in usual_ms}
    return replace(report, brief=False, usual_ms=own)


class Fingerprint:
    """Of all that the bytes of a learner's reports depend on. A blank is shown as one, omitted or not reached."""

    def __init__(self, report: ReportInput) -> None:
        answers, level = report.answers, report.level
        parts = (
            recipe(), report.user_id, report.week, [_rounded(past) for past in report.history],
            replace(level, theta=round(level.theta, 9), se=round(level.se, 9)) if level else None, report.standing,
            report.as_of, report.window_days, report.scale, sorted(report.seen), report.bank.version,
            report.bank.model, report.last_answered_at, answers.keys, answers.topics, answers.sessions,
            report.scored.topics, report.items.sha256,
            report.name, report.goal, report.group,
        )  # fmt: skip
        self._shared = hashlib.sha256(repr(parts).encode())
        for column in (
            answers.correct, answers.completed_at, answers.response_time_ms, answers.attempt_no, answers.hint_used,
            report.scored.item, report.scored.correct, report.scored.weeks_ago,
        ):  # fmt: skip
            self._shared.update(column.tobytes())

    def of(self, template: Template, report: ReportInput, edition: Edition = "learner") -> str:
        """SHA-256 of one of them, in hexadecimal; `report` is this learner's, for that edition."""
        digest = self._shared.copy()
        digest.update(repr((template.sha256, edition, report.brief, report.usual_ms)).encode())
        return digest.hexdigest()
