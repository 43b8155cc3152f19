"""One embedded PostgreSQL and one S3 server for the whole test run, shared by its workers; a database or a bucket of
its own for each test.
"""

import fcntl
import functools
import os
import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import hypothesis
import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from resources import calendar
from resources.database.engine import make_engine
from resources.database.schema import migrate
from resources.postgres import embedded
from tests.beside import NotBesideThisClone
from tests.databases import copy_of, run
from tests.s3_server import S3Server, shared_server

_TEMPLATE = "template_migrated"

# An example's time says how busy the machine is, and nothing of the code.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")


@pytest.fixture
def observed() -> Iterator[Callable[[str], None]]:
    """Makes the calendar that of a time zone, for one test."""
    before = calendar.zone()
    yield lambda zone: calendar.observe(ZoneInfo(zone))
    calendar.observe(before)


@pytest.fixture(scope="session")
def server_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared by all workers, and in a path with a space, as a person's may be."""
    base = tmp_path_factory.getbasetemp()
    run = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return run / "seedtest home"


@pytest.fixture(scope="session")
def server_url(server_home: Path) -> str:
    """The server's address, to which `/` and a database's name are added."""
    url = embedded.connect_url(server_home, "postgres").removesuffix("/postgres")
    run(url, sql.SQL("ALTER SYSTEM SET fsync = off"))  # a test's rows need not survive a power cut: 10 times faster
    run(url, sql.SQL("SELECT pg_reload_conf()"))
    return url


@pytest.fixture(scope="session")
def migrated_url(server_home: Path, server_url: str) -> str:
    """A migrated database with Dagster's own tables, to copy; made once, by the worker that comes first."""
    with (server_home / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _exists(server_url, _TEMPLATE):
            unfinished = f"{_TEMPLATE}_unfinished"
            engine = make_engine(embedded.connect_url(server_home, unfinished))
            migrate.upgrade(engine)
            _make_dagsters_tables(server_home, engine)
            engine.dispose()
            run(server_url, sql.SQL("ALTER DATABASE {} RENAME TO {}"), unfinished, _TEMPLATE)
    return f"{server_url}/{_TEMPLATE}"


@pytest.fixture
def database_url(migrated_url: str) -> Iterator[str]:
    """A migrated database without rows, for one test."""
    with copy_of(migrated_url) as url:
        yield url


@pytest.fixture(scope="module")
def shared_database_url(migrated_url: str) -> Iterator[str]:
    """A migrated database for tests that roll back what they do: ten times cheaper than one for each."""
    with copy_of(migrated_url) as url:
        yield url


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A database with nothing in it, for one test."""
    with copy_of(f"{server_url}/template0") as url:
        yield url


@pytest.fixture(scope="session")
def s3_server(server_home: Path) -> Iterator[S3Server]:
    with shared_server(server_home.with_name("s3 server")) as server:
        yield server


@pytest.fixture(scope="session")
def s3_models() -> Iterator[None]:
    """boto3's description of S3 is read once, and not by each session: a store takes a tenth of a second less."""
    with pytest.MonkeyPatch.context() as patch:
        from botocore import session  # here: most tests do without its half a second

        patch.setattr(session, "create_loader", functools.cache(session.create_loader))
        yield


@pytest.fixture
def s3_bucket(s3_server: S3Server, s3_models: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket for one test, and an environment in which boto3 finds it."""
    import boto3  # here, as above

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    bucket = f"test-{uuid.uuid4().hex}"
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket=bucket)
    yield bucket
    client.delete_bucket(Bucket=bucket)  # SeaweedFS deletes what is in it, too


def _make_dagsters_tables(home: Path, engine: sa.Engine) -> None:
    """As Dagster makes them where it finds none, for half a second."""
    import dagster as dg  # here: a worker may do without its seconds

    from seedtest_pipeline.dagster_home import prepare_dagster_home
    from seedtest_pipeline.settings import Settings

    with pytest.MonkeyPatch.context() as patch:
        for name in [*map(str.upper, Settings.model_fields), "DAGSTER_HOME"]:
            patch.delenv(name, raising=False)
        patch.setenv("SEEDTEST_HOME", str(home / "of the template"))
        patch.setenv("DATABASE_URL", engine.url.render_as_string(hide_password=False))
        with dg.DagsterInstance.from_config(str(prepare_dagster_home(Settings.load()))):
            """They are there."""


def _exists(server_url: str, database: str) -> bool:
    with psycopg.connect(f"{server_url}/postgres".replace("+psycopg", "")) as connection:
        return connection.execute("SELECT FROM pg_database WHERE datname = %s", [database]).fetchone() is not None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--forbid-skips", action="store_true",
        help="a test that would skip fails, unless it needs_quarto, needs_mirt or what lies beside a clone (beside.py)",
    )  # fmt: skip


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Images are built for minutes: where they are named, as by `make test-images`."""
    named = any("images" in Path(argument.partition("::")[0]).parts for argument in config.args)
    return True if collection_path.name == "images" and not named else None


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: half of the time tests wait, for a daemon's turn, a server or a process."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything was installed, a skip means that something which should be there is not."""
    report = yield
    allowed = (
        item.get_closest_marker("needs_quarto")
        or item.get_closest_marker("needs_mirt")
        or (call.excinfo and call.excinfo.errisinstance(NotBesideThisClone))
    )
    if report.skipped and item.config.getoption("--forbid-skips") and not allowed:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} skipped, and --forbid-skips is set: {report.longrepr}"
    return report
