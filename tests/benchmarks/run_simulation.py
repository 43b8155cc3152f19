"""A week's runs over pods, simulated: how long it takes from the schedule's tick to the last report.

What the product does decides what a run waits for. Runs are launched one after the other as pods are free. Each of
their assets asks who the learners are, all of them, and finds its own among them. The first run
freezes everybody's answers and estimates the group's step from everybody, alone, while the others wait for it; then
each makes its own learners' abilities and reports by its own cores. Whoever asks PostgreSQL holds one of its cores so
long.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy

# Nobody holds a core of the database for longer than that, or a fifth of what is asked, before others have a turn.
_A_STATEMENT_S = 60.0
_ASKED_IN_A_RUN = 3  # by each of its assets (assets/selection.py)


@dataclass(frozen=True)
class Seconds:
    """Processor seconds for each learner of a week, in Python and in PostgreSQL; and what a run takes to begin."""

    freeze: float
    freeze_in_database: float
    group: float
    ability: float
    ability_in_database: float
    report: float
    report_in_database: float
    learners: float
    """For each of all learners, and each time that somebody asks who they are; the next likewise."""
    learners_in_database: float
    run_start: float
    """Python and Dagster, until the first asset begins."""
    pod_start: float
    """Until a pod's process begins, where the image is there already: assumed, not measured."""
    launch: float
    """The daemon's, for each run."""


@dataclass(frozen=True)
class Cluster:
    pods: int
    cores_per_pod: int
    database_cores: int


@dataclass(frozen=True)
class Outcome:
    wall_s: float
    alone_s: float
    """Of these, the first run's own: no pod makes it shorter."""
    database_busy: float
    """The share of its cores' time that PostgreSQL worked."""


class _Week:
    def __init__(self, runs: list[int], cluster: Cluster, seconds: Seconds) -> None:
        self.environment = simpy.Environment()
        self.runs, self.cluster, self.seconds = runs, cluster, seconds
        self.pods = simpy.Resource(self.environment, cluster.pods)
        self.launcher = simpy.Resource(self.environment, 1)
        self.database = simpy.Resource(self.environment, cluster.database_cores)
        self.first = True
        self.group_known = self.environment.event()
        self.database_s = 0.0
        self.alone_s = 0.0

    def run(self, learners: int) -> Generator[simpy.Event, Any, None]:
        seconds, wait, everybody = self.seconds, self.environment.timeout, sum(self.runs)
        with self.pods.request() as pod:
            yield pod
            with self.launcher.request() as launcher:
                yield launcher
                yield wait(seconds.launch)
            yield wait(seconds.pod_start + seconds.run_start)
            yield from self._asked(_ASKED_IN_A_RUN * everybody * seconds.learners_in_database)
            yield wait(_ASKED_IN_A_RUN * everybody * seconds.learners)
            if self.first:
                self.first = False
                begun = self.environment.now
                yield from self._asked(everybody * seconds.freeze_in_database)
                yield wait(everybody * (seconds.freeze + seconds.group))
                self.alone_s = self.environment.now - begun
                self.group_known.succeed()
            else:
                yield self.group_known
            yield from self._asked(learners * seconds.ability_in_database)
            yield wait(learners * seconds.ability)
            yield from self._asked(learners * seconds.report_in_database)
            yield wait(learners * seconds.report / self.cluster.cores_per_pod)

    def _asked(self, database_s: float) -> Generator[simpy.Event, Any, None]:
        self.database_s += database_s
        turn = max(_A_STATEMENT_S, database_s / 5)
        while database_s > 0:
            part = min(database_s, turn)
            database_s -= part
            with self.database.request() as core:
                yield core
                yield self.environment.timeout(part)


def simulate(runs: list[int], cluster: Cluster, seconds: Seconds) -> Outcome:
    """`runs` are the learners of each, as the schedule asks for them."""
    week = _Week(runs, cluster, seconds)
    for learners in runs:
        week.environment.process(week.run(learners))
    week.environment.run()
    wall_s = week.environment.now
    return Outcome(wall_s, week.alone_s, week.database_s / (wall_s * cluster.database_cores))
