"""What 10 thousand, a million and 50 million learners a week need; the table of docs/operations/capacity.md.

    make capacity
    make capacity CAPACITY_ARGS="200000 --cores-per-pod 8 --hours 2"
    make capacity CAPACITY_ARGS="--measure 4000"    bytes and requests anew: some two minutes

Without --measure from what is recorded here.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict

from tests.benchmarks.capacity_measure import Sizes, measure
from tests.benchmarks.capacity_model import Need, Prices, Rates, need
from tests.benchmarks.run_simulation import Seconds

LEARNERS = (10_000, 1_000_000, 50_000_000)
_MOST_OF_DAGSTER = 100_000  # partitions of an asset, by its own documentation
_WEEKS_A_YEAR = 52

# Of 4,000 learners, by --measure.
SIZES = Sizes(
    session=698, estimate=296, current_ability=598, report_row=401, other_ours=489, history=16_300, frozen_session=300,
    report_file=18_600, puts=1, gets_of_a_key=23.75, puts_of_a_key=1,
)  # fmt: skip
# On a quiet machine of two cores: a week of 100,000 learners in 12.4 s (answers) and 14.1 s (abilities), 250 reports a
# second and core; PostgreSQL's part of them by `make bench-pipeline N=20000`, the group's by population_cost.py, and
# who the learners are of a million with ten sessions each (4.3 s, and 1.9 s in Python), by an index that begins with
# user_id. The start of a pod and the daemon's launch are assumed.
SECONDS = Seconds(
    freeze=5e-5, freeze_in_database=8e-5, group=4e-5, ability=5e-5, ability_in_database=5.5e-5, report=4.0e-3,
    report_in_database=1.2e-4, learners=1.9e-6, learners_in_database=4.3e-6, run_start=6.0, pod_start=15.0, launch=0.3,
)  # fmt: skip
# `make bench-api` (docs/operations/api.md says what it bounds), `make bench-irt`, and a bank from 6 million answers in
# 82 s and 1,243 MB; the group's bytes by population_cost.py.
RATES = Rates(
    updates_s=780, r_estimates_s=155, calibration_s=82 / 6e6, calibration_bytes=1243e6 / 6e6, group_bytes=1600
)

_ROWS: tuple[tuple[str, Callable[[Need], str]], ...] = (
    ("`USER_PARTITIONS`", lambda n: f"{n.keys:,}"),
    ("runs a week", lambda n: f"{n.runs:,}"),
    ("pods of runs", lambda n: f"{n.cluster.pods:,}"),
    ("cores of PostgreSQL", lambda n: f"{n.cluster.database_cores:,}"),
    ("the week is made in (simulated)", lambda n: _time(n.week.wall_s)),
    ("of it the first run alone", lambda n: _time(n.week.alone_s)),
    ("PostgreSQL's cores at work", lambda n: f"{n.week.database_busy:.0%}"),
    ("who are the learners, asked once", lambda n: _time(n.learners_s)),
    ("memory of the first run", lambda n: f"{n.largest_run_gb:,.1f} GB"),
    ("a bank from four weeks' answers", lambda n: f"{_time(n.calibration_s)}, {n.calibration_gb:,.1f} GB"),
    ("database after a year", lambda n: f"{n.database_gb:,.0f} GB"),
    ("of it `exam_results`", lambda n: f"{n.platform_gb:,.0f} GB"),
    ("S3: PUTs, GETs a week", lambda n: f"{n.s3_puts:,.0f}, {n.s3_gets:,.0f}"),
    ("S3 after a year", lambda n: f"{n.s3_gb:,.0f} GB"),
    ("S3 a month, with a year's files", lambda n: f"${n.s3_month:,.0f}"),
    ("cores of runs a month", lambda n: f"${n.cores_month:,.2f}"),
    ("updates/s in a peak hour", lambda n: f"{n.updates_s:,.1f}"),
    ("processes of the API", lambda n: f"{n.api_processes:,}"),
    ("processes of the R service, where used", lambda n: f"{n.r_processes:,}"),
    ("years until Dagster's 100,000 partitions", lambda n: f"{_MOST_OF_DAGSTER / (n.keys * _WEEKS_A_YEAR):,.1f}"),
)


def table(needs: Sequence[Need]) -> str:
    """In Markdown, a column for each number of learners."""
    head = [f"| learners a week | {' | '.join(f'{n.learners:,}' for n in needs)} |", "|---|" + "---|" * len(needs)]
    return "\n".join([*head, *(f"| {name} | {' | '.join(map(shown, needs))} |" for name, shown in _ROWS)])


def needs(
    learners: Sequence[int] = LEARNERS, cores_per_pod: int = 4, hours: float = 4, sizes: Sizes = SIZES,
    prices: Prices | None = None,
) -> list[Need]:  # fmt: skip
    return [need(n, cores_per_pod, hours * 3600, sizes, RATES, SECONDS, prices or Prices()) for n in learners]


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("learners", nargs="*", type=int, default=LEARNERS)
    parser.add_argument("--cores-per-pod", type=int, default=4)
    parser.add_argument("--hours", type=float, default=4, help="in which the week shall be made")
    parser.add_argument("--measure", type=int, metavar="N", help="bytes and requests of N learners, measured now")
    for name, price in asdict(Prices()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=price, help=f"dollars, {price}")
    given = parser.parse_args()
    sizes = measure(given.measure) if given.measure else SIZES
    if given.measure:
        for name, value in asdict(sizes).items():
            print(f"{name:18}{value:12,.1f}, recorded {getattr(SIZES, name):,.1f}")
    prices = Prices(**{name: getattr(given, name) for name in asdict(Prices())})
    print(table(needs(given.learners, given.cores_per_pod, given.hours, sizes, prices)))


if __name__ == "__main__":
    main()
