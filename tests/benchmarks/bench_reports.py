"""What a weekly report costs: reports a second and core, cost and memory from 100 to 10,000 learners, where time goes.

    python -m tests.benchmarks.bench_reports [--quick]

Synthetic learners with eight weeks behind them are published as the asset does it, through PostgreSQL into a folder.
Beside it, in the same run: what one renderer process per report costs (Quarto if it is there, else pandoc), on the same
document. "CPU ms" is the time of all threads of the publishing process, whatever else the machine does; "a second" is
what that makes on one core. Each row runs in a process of its own, so that its peak memory is its own.

It takes some ten minutes on an idle core, nearly all of them for 10,000 learners.
"""

import argparse
import datetime as dt
import multiprocessing as mp
import os
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from assets.abilities.plausibility import PLAUSIBLE_LOGITS
from assets.abilities.windows import LEARNERS_AT_ONCE
from assets.publishing.publisher import Publisher, _fingerprint
from assets.publishing.report_inputs import report_inputs
from resources.answers.answers import Answers
from resources.answers.schema import SCHEMA
from resources.artifacts.folder import FolderStore
from resources.database.engine import make_engine, transaction
from resources.database.queries import abilities
from resources.database.schema import migrate
from resources.model import SYNTHETIC, Format, ItemBank, Thetas, Week
from resources.postgres import embedded
from resources.reports.document import fill, typeset
from resources.reports.document.checks import verify
from resources.reports.document.compile import compile_template
from resources.reports.learner.scale import Scale
from resources.reports.learner.view_model import view
from seedtest_pipeline.demo.synthetic_exam import SyntheticExam, synthetic_exam
from seedtest_pipeline.wiring import QUARTO_SOURCE
from tests import answer_tables
from tests.week_states import first_states

FIRST = Week.parse("2025-01-06")
N_WEEKS = 8
WINDOW_DAYS = 30
SE = 0.2  # logits, that of some 120 answers

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Cost:
    """Of publishing `n` reports in one run for so many learners, after a first one that took `start_s` CPU seconds."""

    n_users: int
    n: int
    wall_s: float
    cpu_s: float
    peak_mb: float
    start_s: float

    @property
    def ms(self) -> float:
        return 1_000 * self.cpu_s / self.n


@dataclass(frozen=True)
class School:
    """The exam in a database, and in `home` a file of the window's answers for each number of learners."""

    url: str
    home: Path
    bank: ItemBank

    def members(self, n_users: int) -> list[str]:
        """The first so many learners, sorted."""
        return (self.home / f"members-{n_users}.txt").read_text().split()

    def answers(self, n_users: int, members: Sequence[str]) -> Answers:
        """Of neighbours among the members; no more than these are read."""
        theirs = (pc.field("user_id") >= members[0]) & (pc.field("user_id") <= members[-1])
        file = self.home / f"answers-{n_users}.parquet"
        return Answers.from_table(pq.read_table(file, schema=SCHEMA, filters=theirs))

    def publisher(self, forms: Sequence[Format]) -> Publisher:
        """Into an empty folder."""
        templates = {form: compile_template(QUARTO_SOURCE, self.home / "templates", form=form) for form in forms}
        store = FolderStore(Path(tempfile.mkdtemp(dir=self.home)))
        return Publisher(make_engine(self.url), store, templates, self.bank, Scale(), WINDOW_DAYS)

    def publish(self, form: Format, n_users: int) -> Cost:
        """The last week's reports of the first so many learners, as one run makes them.

        In a process of its own, and not a forked one: threads of Arrow and of Vega do not survive a fork.
        """
        with ProcessPoolExecutor(1, mp.get_context("spawn")) as alone:
            return alone.submit(_publish, self, form, n_users).result()


def _publish(of: School, form: Format, n_users: int) -> Cost:
    members, week = of.members(n_users), FIRST.plus(N_WEEKS - 1)
    publisher = of.publisher([form])
    start_s = _started(publisher, members[0], of.answers(n_users, members[:1]), week)
    wall, cpu = time.perf_counter(), time.process_time()
    for first in range(0, n_users, LEARNERS_AT_ONCE):
        some = members[first : first + LEARNERS_AT_ONCE]
        answers = of.answers(n_users, some)
        publisher.publish(week, some, answers, answers, lambda _: None)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak_kb = int(
        Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
    )  # ru_maxrss: the parent's too
    if publisher.failed:
        raise RuntimeError(f"{len(publisher.failed)} reports failed, such as {publisher.failed[0]}")
    return Cost(n_users, publisher.written - 1, wall, cpu, peak_kb / 1024, start_s)


def _started(publisher: Publisher, first: str, answers: Answers, week: Week) -> float:
    """CPU seconds of the first report, for which Vega, Jinja and Typst start."""
    begun = time.process_time()
    publisher.publish(week, [first], answers, answers, lambda _: None)
    return time.process_time() - begun


def school(home: Path, sizes: Sequence[int]) -> School:
    exam = synthetic_exam(1, FIRST, max(sizes), N_WEEKS)
    items = exam.items
    bank = ItemBank(
        "bench", "2PL", tuple(items["item_id"]), items["a"].to_numpy(), items["b"].to_numpy(), np.zeros(len(items))
    )
    url = embedded.connect_url(home)
    engine = make_engine(url)
    migrate.upgrade(engine)
    _estimate(engine, exam, bank)
    engine.dispose()
    window = exam.responses[
        exam.responses["answered_at"] >= pd.Timestamp(FIRST.plus(N_WEEKS).begins_at) - pd.Timedelta(days=WINDOW_DAYS)
    ]
    window = window.rename(columns={"item_id": "item_key", "answered_at": "completed_at", "topic": "topic_id"})
    window = window.assign(hint_used=pd.array([False] * len(window), dtype="boolean"))
    number = window["user_id"].str.removeprefix(SYNTHETIC).astype("int64")
    for n_users in sizes:
        some = window[number <= n_users].sort_values("user_id", kind="stable")
        pq.write_table(answer_tables.table(some), home / f"answers-{n_users}.parquet", row_group_size=5_000)
        (home / f"members-{n_users}.txt").write_text("\n".join(some["user_id"].unique()))
    return School(url, home, bank)


def _estimate(engine: sa.Engine, exam: SyntheticExam, bank: ItemBank) -> None:
    """The true abilities with a measurement's error, week by week."""
    rng = np.random.default_rng(2)
    for start, of_week in exam.abilities.groupby("week_start"):
        n = len(of_week)
        theta = of_week["theta"].to_numpy() + rng.normal(0, SE, n)
        counts = rng.integers(80, 160, n), rng.integers(0, 3, n), rng.integers(0, 3, n)
        thetas = Thetas(tuple(of_week["user_id"]), theta, np.full(n, SE), *counts, (), bank.model, bank.version)
        week = Week(dt.date.fromisoformat(str(start)[:10]))
        with transaction(engine) as connection:
            abilities.store_week(connection, week, first_states(thetas), WINDOW_DAYS, dt.datetime.now(dt.UTC))


def renderer_process(home: Path, form: Format, times: int) -> tuple[str, float]:
    """The tool, and the CPU seconds of one process that renders the document anew."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for n in range(times):
        tool = compile_template(QUARTO_SOURCE, home / f"anew-{form}-{n}", form=form).compiled_by
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return tool, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / times


def stages(of: School, form: Format, n_users: int) -> tuple[list[tuple[str, float]], int, int]:
    """CPU ms a report of each step in the order of a run, the charts in a report, and its bytes."""
    publisher = of.publisher([form])
    template = publisher.templates[form]
    members, week = of.members(n_users), FIRST.plus(N_WEEKS - 1)
    answers = of.answers(n_users, members)
    with transaction(publisher.engine) as connection:
        history = abilities.history(connection, members, week)
        everybody = abilities.distribution(connection, week, PLAUSIBLE_LOGITS)
    spent: dict[str, float] = {}

    def timed(step: str, work: Callable[[], list[_Made]]) -> list[_Made]:
        begun = time.process_time()
        made = work()
        spent[step] = 1_000 * (time.process_time() - begun) / len(made)
        return made

    _started(publisher, members[0], answers, week)
    given = timed("inputs", lambda: list(report_inputs(
        week, members, answers, answers, history, everybody, bank=of.bank, scale=publisher.scale,
        window_days=WINDOW_DAYS,
    )))  # fmt: skip
    timed("fingerprint", lambda: [_fingerprint(template, one) for one in given])
    seen = timed("view", lambda: [view(template.words, one) for one in given])
    charts = timed("charts", lambda: [fill.charts(template, one) for one in seen])
    parsed, marker = fill._parsed(form, template.source), fill.names(template, given[0])["marker"]
    filled = timed("fill", lambda: [
        parsed.render(vars(one), marker=marker, charts=drawn) for one, drawn in zip(seen, charts, strict=True)
    ])  # fmt: skip
    if form == "pdf":
        timed("typeset", lambda: [typeset.pdf(source, week.ends_at) for source in filled])
    pages = [fill.render(template, one) for one in given]  # each with its own marker

    def verified() -> list[bytes]:
        for page, one in zip(pages, given, strict=True):
            verify(page, one.user_id, week, template)
        return pages

    timed("verify", verified)
    key = f"stages.{form}"
    timed("store", lambda: [publisher.store.put(f"{n}/{key}", page, "") for n, page in enumerate(pages)])
    n_charts = max(len(drawn) for drawn in charts)
    return list(spent.items()), n_charts, round(sum(map(len, pages)) / len(pages))


def show(title: str, costs: Sequence[Cost]) -> None:
    heads = (("learners", 10), ("reports", 10), ("wall s", 10), ("CPU s", 10), ("CPU ms each", 14), ("a second", 11))
    print(f"\n{title}\n" + "".join(f"{head:>{width}}" for head, width in (*heads, ("peak MB", 10))))
    for cost in costs:
        print(
            f"{cost.n_users:10,}{cost.n:10,}{cost.wall_s:10.1f}{cost.cpu_s:10.1f}{cost.ms:14.1f}{1_000 / cost.ms:11.1f}"
            f"{cost.peak_mb:10.0f}",
            flush=True,
        )
    print(f"and once a process, for the first report: {min(cost.start_s for cost in costs):.1f} CPU s")


def show_stages(of: School, form: Format, n_users: int) -> None:
    steps, n_charts, n_bytes = stages(of, form, n_users)
    total = sum(ms for _, ms in steps)
    print(
        f"\nWhere the time of a report goes ({form}, {n_charts} charts, {n_bytes / 1_000:.0f} kB, {n_users} learners)"
    )
    for step, ms in steps:
        print(f"  {step:18}{ms:8.2f} ms{100 * ms / total:7.0f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    sizes = (10, 100, 1_000) if parser.parse_args().quick else (100, 1_000, 10_000)
    n_pdf = 3 * sizes[0]
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(prefix="seedtest-bench-") as folder:
        home = Path(folder)
        of = school(home, [*sizes, n_pdf])
        html = [of.publish("html", n) for n in sizes]
        show("HTML, published", html)
        show_stages(of, "html", sizes[0])
        pdf = [of.publish("pdf", n) for n in (sizes[0], n_pdf)]
        show("PDF, published", pdf)
        show_stages(of, "pdf", sizes[0])
        print("\nA renderer process for each report instead, on the same document")
        pairs: list[tuple[Format, Any]] = [("html", html[-1]), ("pdf", pdf[-1])]
        for form, ours in pairs:
            tool, cpu_s = renderer_process(home, form, 3)
            print(f"  {form:6}{tool:16}{1_000 * cpu_s:10.0f} CPU ms{1_000 * cpu_s / ours.ms:8.1f} times ours")


if __name__ == "__main__":
    main()
