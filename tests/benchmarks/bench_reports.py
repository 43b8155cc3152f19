"""What a weekly report costs: reports a second and core, cost and memory from 100 to 10,000 learners, where time goes.

    python -m tests.benchmarks.bench_reports [--quick]

Synthetic learners with eight weeks behind them are published as the asset does it, through PostgreSQL into a folder.
Beside it, in the same run: what one renderer process per report costs (Quarto if it is there, else pandoc), on the same
document. "CPU ms" is the time of all threads of the publishing processes, whatever else the machine does; "a second" is
what that makes on one core. Each row runs in a process of its own, so that its peak memory is its own.

It takes some five minutes on two idle cores, nearly all of them for 10,000 learners.
"""

import argparse
import multiprocessing as mp
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, get_args

from assets.abilities.plausibility import PLAUSIBLE_LOGITS
from assets.abilities.windows import LEARNERS_AT_ONCE
from assets.publishing.findings import with_findings
from assets.publishing.publisher import Publisher
from assets.publishing.report_inputs import report_inputs
from assets.publishing.report_maker import Fingerprint
from assets.publishing.report_processes import ReportProcesses, cores
from resources.answers.answers import Answers
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities
from resources.model import Edition, Format, Week
from resources.reports.document import fill, typeset
from resources.reports.document.checks import verify
from resources.reports.document.compile import compile_template
from resources.reports.learner.view_model import view
from seedtest_pipeline.wiring import QUARTO_SOURCE
from tests.benchmarks.report_school import FIRST, N_WEEKS, WINDOW_DAYS, School, school

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Cost:
    """Of publishing `n` reports in one run for so many learners, after a first one that took `start_s` CPU seconds.

    `cpu_s` is that of all processes, with their start; `peak_mb` that of the largest, counting what it shares.
    """

    n_users: int
    processes: int
    n: int
    wall_s: float
    cpu_s: float
    peak_mb: float
    start_s: float

    @property
    def ms(self) -> float:
        return 1_000 * self.cpu_s / self.n


def publish(
    of: School,
    form: Format,
    n_users: int,
    processes: int = 1,
    times: int = 1,
    editions: Sequence[Edition] = ("learner",),
) -> Cost:
    """The last week's reports of the first so many learners, as one run makes them; the last of so many runs.

    In a process of its own, and not a forked one: threads of Arrow and of Vega do not survive a fork.
    """
    with ProcessPoolExecutor(1, mp.get_context("spawn")) as alone:
        return alone.submit(_publish, of, form, n_users, processes, times, editions).result()


def _publish(of: School, form: Format, n_users: int, processes: int, times: int, editions: Sequence[Edition]) -> Cost:
    sys.modules["__main__"] = ModuleType("__main__")  # as in a run of Dagster: its processes do not import this file
    members, week = of.members(n_users), FIRST.plus(N_WEEKS - 1)
    publisher = of.publisher([form])
    publisher.editions = editions
    start_s = _started(publisher, members[0], of.answers(n_users, members[:1]), week)
    for _ in range(times):
        before, wall, cpu = publisher.published, time.perf_counter(), _cpu_s()
        with ReportProcesses(processes) as publisher.processes:
            for first in range(0, n_users, LEARNERS_AT_ONCE):
                some = members[first : first + LEARNERS_AT_ONCE]
                answers = of.answers(n_users, some)
                publisher.publish(week, some, answers, answers, lambda _: None)
        _stop_forkserver()
        wall, cpu = time.perf_counter() - wall, _cpu_s() - cpu
    if publisher.failed:
        raise RuntimeError(f"{len(publisher.failed)} reports failed, such as {publisher.failed[0]}")
    if times > 1 and publisher.written != publisher.published - publisher.unchanged:
        raise RuntimeError("Reports of a second run were made again.")
    return Cost(n_users, processes, publisher.published - before, wall, cpu, _peak_mb(), start_s)


def _cpu_s() -> float:
    """Of this process, and of those of its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def _stop_forkserver() -> None:
    """Its children are counted once it has ended, and so is what it imported for them."""
    forkserver._forkserver._stop()  # type: ignore[attr-defined]


def _peak_mb() -> float:
    """Of this process (its ru_maxrss would be the parent's, too) or of the largest of its children."""
    own = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def _started(publisher: Publisher, first: str, answers: Answers, week: Week) -> float:
    """CPU seconds of the first report, for which Vega, Jinja and Typst start."""
    begun = time.process_time()
    publisher.publish(week, [first], answers, answers, lambda _: None)
    return time.process_time() - begun


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
    given = timed("findings", lambda: with_findings(given))
    timed("fingerprint", lambda: [Fingerprint(one).of(template, one) for one in given])
    seen = timed("view", lambda: [view(template.words, one) for one in given])
    charts = timed("charts", lambda: [fill.charts(template, one) for one in seen])
    parsed, marker = fill._parsed(template.markup, template.source), fill.names(template, given[0])["marker"]
    filled = timed("fill", lambda: [
        parsed.render(vars(one), marker=marker, charts=drawn, mail=False)
        for one, drawn in zip(seen, charts, strict=True)
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
    heads = (("learners", 10), ("processes", 11), ("reports", 10), ("wall s", 10), ("CPU s", 10), ("CPU ms each", 14),
             ("a second", 11), ("peak MB", 10))  # fmt: skip
    print(f"\n{title}\n" + "".join(f"{head:>{width}}" for head, width in heads))
    for cost in costs:
        print(
            f"{cost.n_users:10,}{cost.processes:11}{cost.n:10,}{cost.wall_s:10.1f}{cost.cpu_s:10.1f}{cost.ms:14.2f}"
            f"{1_000 / cost.ms:11.1f}{cost.peak_mb:10.0f}",
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
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, or a fifth")
    sizes = (10, 100, 2_000) if parser.parse_args().quick else (100, 1_000, 10_000)
    n_pdf, n_cores = 3 * sizes[0], cores()
    print(f"load {os.getloadavg()[0]:.1f} on {n_cores} cores")
    with tempfile.TemporaryDirectory(prefix="seedtest-bench-") as folder:
        home = Path(folder)
        of = school(home, [*sizes, n_pdf])
        html = [publish(of, "html", n) for n in sizes]
        show("HTML, published by one process", html)
        several = publish(of, "html", sizes[-1], n_cores)
        show("HTML, published by every core", [several])
        print(f"{html[-1].wall_s / several.wall_s:.2f} times as fast as by one process, in wall-clock time; their CPU "
              f"time together allows {n_cores * html[-1].cpu_s / several.cpu_s:.2f}")  # fmt: skip
        show("HTML, for learner, teacher and family", [publish(of, "html", sizes[1], editions=get_args(Edition))])
        show("Mails", [publish(of, "eml", sizes[1])])
        same = publish(of, "html", sizes[-1], times=2)
        show("HTML, unchanged since the run before", [same])
        show_stages(of, "html", sizes[0])
        pdf = [publish(of, "pdf", n) for n in (sizes[0], n_pdf)]
        show("PDF, published by one process", pdf)
        show_stages(of, "pdf", sizes[0])
        print("\nA renderer process for each report instead, on the same document")
        pairs: list[tuple[Format, Any]] = [("html", html[-1]), ("pdf", pdf[-1])]
        for form, ours in pairs:
            tool, cpu_s = renderer_process(home, form, 3)
            print(f"  {form:6}{tool:16}{1_000 * cpu_s:10.0f} CPU ms{1_000 * cpu_s / ours.ms:8.1f} times ours")


if __name__ == "__main__":
    main()
