"""The simulation of a week's runs where its outcome is known by arithmetic, and the page that shows its table."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from tests.benchmarks import capacity
from tests.benchmarks.capacity_model import keys_for, runs_for
from tests.benchmarks.run_simulation import Cluster, Seconds, simulate

NOTHING = Seconds(**{field.name: 0.0 for field in fields(Seconds)})
RUNS = [100, 100, 100, 100]


@pytest.mark.parametrize(("pods", "wall_s"), [(1, 400), (2, 200), (4, 100), (9, 100)])
def test_reports_are_made_side_by_side_as_pods_allow(pods, wall_s):
    assert simulate(RUNS, Cluster(pods, 1, 1), replace(NOTHING, report=1.0)).wall_s == wall_s


def test_more_cores_in_a_pod_make_its_reports_faster_and_nothing_else():
    work = replace(NOTHING, report=1.0, ability=1.0)
    assert simulate(RUNS, Cluster(4, 4, 1), work).wall_s == 100 + 25


def test_others_wait_for_the_first_run_which_no_pod_makes_shorter():
    outcome = simulate(RUNS, Cluster(4, 1, 1), replace(NOTHING, freeze=1.0, group=0.5, ability=1.0))
    assert (outcome.wall_s, outcome.alone_s) == (400 + 200 + 100, 600)


@pytest.mark.parametrize(("cores", "wall_s"), [(1, 4800), (2, 2400), (4, 1200)])
def test_runs_wait_for_each_other_in_the_database(cores, wall_s):
    """Each of a run's three assets asks who all the learners are."""
    outcome = simulate(RUNS, Cluster(4, 1, cores), replace(NOTHING, learners_in_database=1.0))
    assert (outcome.wall_s, outcome.database_busy) == (pytest.approx(wall_s), pytest.approx(1))


def test_runs_are_launched_one_after_the_other():
    assert simulate(RUNS, Cluster(4, 1, 1), replace(NOTHING, launch=1.0, pod_start=10.0)).wall_s == 4 + 10


@pytest.mark.parametrize("learners", capacity.LEARNERS)
def test_runs_hold_everybody_as_the_schedule_cuts_them(learners):
    runs = runs_for(learners, keys_for(learners))
    assert sum(runs) == pytest.approx(learners, rel=0.01)


def test_the_page_shows_the_table_that_the_script_prints():
    page = (Path(__file__).parents[3] / "docs/operations/capacity.md").read_text("utf-8")
    assert capacity.table(capacity.needs()) in page, f"put this there:\n{capacity.table(capacity.needs())}"
