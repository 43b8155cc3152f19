"""What so many learners a week need: pods, database, S3, API. From what was measured, by multiplication; the wall time
of a week by `run_simulation`, since there runs wait for each other.
"""

from dataclasses import dataclass
from math import ceil

from seedtest_pipeline.automation.schedule import LEARNERS_PER_RUN
from tests.benchmarks.capacity_measure import Sizes
from tests.benchmarks.run_simulation import Cluster, Outcome, Seconds, simulate

MOST_KEYS = 4096  # USER_PARTITIONS
_WEEKS_A_YEAR, _WEEKS_A_MONTH = 52, 52 / 12
_A_PEAK_HOUR = 0.1  # of a week's sessions end in its busiest hour: assumed
_AT_WORK = 0.5  # of what was measured at full load is planned for


@dataclass(frozen=True)
class Prices:
    """US dollars, of one large provider's list in one region; give your own."""

    thousand_puts: float = 0.005
    thousand_gets: float = 0.0004
    gigabyte_month: float = 0.023
    core_hour: float = 0.045


@dataclass(frozen=True)
class Rates:
    """On one core, measured under load (docs/decisions, the README and `make bench-pipeline` say where)."""

    updates_s: float
    """By one API process."""
    r_estimates_s: float
    """By one process of the R service."""
    calibration_s: float
    """For each answer; the next likewise, bytes."""
    calibration_bytes: float
    group_bytes: float
    """Of the process that estimates the group's step, for each learner who answered."""


@dataclass(frozen=True)
class Need:
    learners: int
    keys: int
    runs: int
    cluster: Cluster
    week: Outcome
    learners_s: float
    """To ask who the learners are, as each run, the schedule and the sensors do."""
    largest_run_gb: float
    calibration_s: float
    calibration_gb: float
    database_gb: float
    """After a year; the next is of it the platform's own."""
    platform_gb: float
    s3_puts: float
    """A week; the next likewise."""
    s3_gets: float
    s3_gb: float
    """After a year."""
    s3_month: float
    """Dollars, with a year's files; the next without."""
    cores_month: float
    updates_s: float
    """In a peak hour."""
    api_processes: int
    r_processes: int


def keys_for(learners: int) -> int:
    """Powers of two, so that a key has some ten thousand learners: a run is one key or several."""
    keys = 64
    while keys < MOST_KEYS and learners / keys > LEARNERS_PER_RUN:
        keys *= 2
    return keys


def runs_for(learners: int, keys: int) -> list[int]:
    """Learners of each run that the schedule asks for: whole keys, ten thousand learners at most or one key."""
    in_a_key = learners / keys
    keys_of_a_run = max(1, int(LEARNERS_PER_RUN / in_a_key))
    runs = ceil(keys / keys_of_a_run)
    return [round(in_a_key * min(keys_of_a_run, keys - run * keys_of_a_run)) for run in range(runs)]


def need(learners: int, cores_per_pod: int, window_s: float, sizes: Sizes, rates: Rates, seconds: Seconds,
         prices: Prices) -> Need:  # fmt: skip
    """With as few pods, in powers of two, as make the week within `window_s`, or with as many as help."""
    keys = keys_for(learners)
    runs = runs_for(learners, keys)
    sessions = learners * _WEEKS_A_YEAR
    cluster, week = _pods(runs, cores_per_pod, window_s, seconds)
    platform = sessions * sizes.session
    ours = (
        sessions * (sizes.estimate + sizes.report_row + sizes.other_ours)
        + learners * sizes.current_ability
        + keys * _WEEKS_A_YEAR * sizes.history
    )
    puts = learners * sizes.puts + keys * sizes.puts_of_a_key
    gets = keys * sizes.gets_of_a_key
    stored = sessions * (sizes.frozen_session + sizes.report_file) / 1e9
    asked = _WEEKS_A_MONTH * (puts * prices.thousand_puts + gets * prices.thousand_gets) / 1000
    busy_core_hours = week.wall_s / 3600 * cluster.pods * cores_per_pod * _WEEKS_A_MONTH
    updates = learners * _A_PEAK_HOUR / 3600
    answers_of_a_bank = 4 * 15 * learners
    return Need(
        learners=learners, keys=keys, runs=len(runs), cluster=cluster, week=week,
        learners_s=learners * (seconds.learners + seconds.learners_in_database),
        largest_run_gb=learners * rates.group_bytes / 1e9 + 0.5,
        calibration_s=answers_of_a_bank * rates.calibration_s,
        calibration_gb=answers_of_a_bank * rates.calibration_bytes / 1e9,
        database_gb=(platform + ours) / 1e9, platform_gb=platform / 1e9,
        s3_puts=puts, s3_gets=gets, s3_gb=stored, s3_month=asked + stored * prices.gigabyte_month,
        cores_month=busy_core_hours * prices.core_hour, updates_s=updates,
        api_processes=max(2, ceil(updates / (rates.updates_s * _AT_WORK))),
        r_processes=max(2, ceil(updates / (rates.r_estimates_s * _AT_WORK))),
    )  # fmt: skip


def _pods(runs: list[int], cores_per_pod: int, window_s: float, seconds: Seconds) -> tuple[Cluster, Outcome]:
    """The database gets a core for every two pods, four at least."""
    pods, found = 1, None
    while True:
        cluster = Cluster(pods, cores_per_pod, max(4, pods // 2))
        outcome = simulate(runs, cluster, seconds)
        if outcome.wall_s <= window_s or pods >= len(runs) or (found and outcome.wall_s > 0.95 * found[1].wall_s):
            return (cluster, outcome) if outcome.wall_s <= window_s or found is None else found
        found = (cluster, outcome)
        pods *= 2
