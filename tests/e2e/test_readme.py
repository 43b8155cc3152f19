"""What README.md and CONTRIBUTING.md tell a person to type, typed: their fenced blocks are run, so they cannot rot."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import jwt
import pytest
import sqlalchemy as sa

from tests.e2e.conftest import CHECKOUT, Shell

BLOCKS = re.findall(r"^```\n(.*?)^```$", (CHECKOUT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
OWN_RESPONSES = next(block for block in BLOCKS if "seedtest ingest" in block)
IN_DAGSTER = next(block for block in BLOCKS if "asset materialize" in block)
FINISHED = next(block for block in BLOCKS if "artifacts check" in block)
CONTRIBUTING = re.findall(r"^```\n(.*?)^```$", (CHECKOUT / "CONTRIBUTING.md").read_text(), re.MULTILINE | re.DOTALL)
A_TOKEN = next(block for block in BLOCKS if "seedtest token" in block)


@dataclass(frozen=True)
class Checkout:
    """The checkout as README supposes it: an environment in .venv, and the user's file beside it."""

    folder: Path
    shell: Shell

    @property
    def browser(self) -> Path:
        return self.folder.parent / "browser"  # Python splits BROWSER at spaces

    @property
    def opened(self) -> Path:
        return self.folder.parent / "opened"

    def type(self, block: str) -> str:
        """Standard output of a block of lines; the first that fails ends it."""
        environment = {**self.shell.environment, "BROWSER": str(self.browser)}
        typed = subprocess.run(
            ["bash", "-eu", "-c", block], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert typed.returncode == 0, typed.stderr
        assert "Traceback" not in typed.stderr
        return typed.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, shared_database_url, responses) -> Checkout:
    folder = tmp_path_factory.mktemp("readme") / "a checkout"
    checkout = Checkout(folder, Shell(folder / ".seedtest", shared_database_url))
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, module in {"seedtest": "seedtest_pipeline", "dagster": "dagster"}.items():
        _script(programs / name, f'exec {shlex.quote(sys.executable)} -m {module} "$@"')
    _script(checkout.browser, f'echo "$1" > {shlex.quote(str(checkout.opened))}')
    for path in CHECKOUT.iterdir():
        if not path.name.startswith("."):
            (folder / path.name).symlink_to(path)
    responses.to_parquet(folder / "responses.parquet", index=False)
    return checkout


@pytest.fixture(scope="module")
def after_own_responses(checkout) -> str:
    return checkout.type(OWN_RESPONSES)


@pytest.fixture
def connection(shared_database_url) -> Iterator[sa.Connection]:
    engine = sa.create_engine(shared_database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_the_make_targets_that_readme_names_exist():
    named = re.findall(r"^make (\w+)", "".join(BLOCKS), re.MULTILINE)
    assert {"demo", "test"} <= set(named)
    subprocess.run(["make", "-n", *named], cwd=CHECKOUT, check=True, capture_output=True)


def test_a_persons_own_responses_become_a_report_in_the_browser(checkout, after_own_responses, connection):
    url = after_own_responses.splitlines()[-1]
    assert checkout.opened.read_text().strip() == url
    page = Path(unquote(url.removeprefix("file://")))
    assert "u17632" in page.read_text("utf-8")
    assert connection.scalar(sa.text("SELECT count(*) FROM report_artifacts")) == 120


def test_a_finished_report_has_a_link_and_files_and_rows_agree(checkout, after_own_responses):
    link, *rest = checkout.type(FINISHED).splitlines()
    assert link == after_own_responses.splitlines()[-1]
    assert rest == ["120 rows and 120 files in 1 weeks, 0 at fault"]


def test_dagsters_own_command_line_makes_what_seedtest_run_made(checkout, after_own_responses, connection):
    made = _made(connection)
    assert len(made) == 1
    pages = checkout.shell.home / "artifacts" / "reports"
    (page,) = pages.rglob("synthetic-0001/weekly_report.html")
    first = page.read_bytes()
    connection.execute(sa.text("DELETE FROM theta_estimates WHERE user_id = 'synthetic-0001'"))
    connection.execute(sa.text("DELETE FROM report_artifacts WHERE user_id = 'synthetic-0001'"))
    shutil.rmtree(page.parent)
    checkout.type(IN_DAGSTER)
    assert _made(connection) == made
    assert page.read_bytes() == first


def test_the_token_speaks_for_the_user_and_allows_what_was_asked_for(checkout):
    claims = jwt.decode(checkout.type(A_TOKEN).strip(), options={"verify_signature": False})
    assert (claims["sub"], claims["scope"]) == ("u17632", "exam:write report:read")


@pytest.mark.parametrize("line", CONTRIBUTING[0].splitlines())
def test_a_line_that_checks_the_code_finds_it_in_order(line, tmp_path):
    typed = line.replace(".venv/bin/", f"{shlex.quote(str(Path(sys.executable).parent))}/")
    shell = Shell(tmp_path / "home", "postgresql://nobody:nothing@127.0.0.1:1/nothing")
    done = subprocess.run(
        ["bash", "-c", typed], cwd=CHECKOUT, env=shell.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_is_built_by_the_line_that_contributing_names():
    """Which `test_wheel` types, with a folder of its own behind it."""
    assert CONTRIBUTING[1] == ".venv/bin/python -m hatchling build -t wheel\n"


def _made(connection: sa.Connection) -> list[sa.Row[tuple[object, ...]]]:
    query = (
        "SELECT theta, se, n_items, version, as_of, url, sha256 "
        "FROM theta_estimates JOIN report_artifacts USING (user_id, week_start) WHERE user_id = 'synthetic-0001'"
    )
    return list(connection.execute(sa.text(query)))


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
