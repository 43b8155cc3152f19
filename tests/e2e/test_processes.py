"""The command among other programs: in pipes, and where nobody reads what it says."""

import signal
import subprocess
import sys

import pytest

from resources.postgres.server_folder import wait_until
from tests.e2e.conftest import Shell
from tests.waiting import PATIENCE_S


@pytest.fixture
def shell(tmp_path) -> Shell:
    """On a database that is not there: nothing here asks for one."""
    return Shell(tmp_path / "the home", "postgresql://nobody:nothing@127.0.0.1:1/nothing")


def test_help_took_five_seconds_and_now_imports_neither_dagster_nor_pandas(shell):
    code = (
        "import sys, seedtest_pipeline.cli.main; print({'dagster', 'pandas', 'scipy', 'sqlalchemy'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], env=shell.environment, capture_output=True, text=True, check=True
    )
    assert found.stdout == "set()\n"


@pytest.mark.parametrize(
    ("typed", "unused"),
    [
        (["ingest", "three.csv"], {"dagster", "alembic", "scipy.sparse", "boto3", "jinja2", "pandas"}),
        (["doctor"], {"dagster", "boto3"}),
        (["--version"], {"dagster", "pandas", "scipy", "sqlalchemy", "numpy", "httpx"}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_a_command_does_not_need_it_does_not_import(typed, unused, tmp_path, database_url):
    """Half of the processor's time for loading three rows went into importing Dagster."""
    shell = Shell(tmp_path / "the home", database_url)
    (tmp_path / "three.csv").write_text(
        "user_id,session_id,item_id,correct,answered_at\n"
        "u1,s1,i1,1,2025-01-06T09:00:00Z\nu1,s1,i2,0,2025-01-06T09:01:00Z\nu2,s2,i1,1,2025-01-07T09:00:00Z\n"
    )
    code = (
        "import atexit, sys; from seedtest_pipeline.cli.main import main; "
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr)); main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, *typed], cwd=tmp_path, env=shell.environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.stdout, ran.stderr
    imported = ran.stderr.splitlines()[-1].split()
    assert "typer" in imported
    assert unused & set(imported) == set()


def test_a_pipe_gets_no_escape_codes(shell):
    for arguments in (["--help"], ["doctor"]):
        said = shell.run(*arguments)
        assert said.stdout
        assert "\x1b" not in said.stdout + said.stderr


def test_a_reader_that_left_and_an_output_that_is_closed_bring_no_traceback(shell):
    for ending in ("| true", ">&-"):
        said = subprocess.run(
            ["sh", "-c", f'"$0" -m seedtest_pipeline --help {ending}', sys.executable],
            cwd=shell.home.parent, env=shell.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert said.stderr == ""


def test_ctrl_c_while_a_command_still_imports_ends_it_with_130_and_no_traceback(shell, tmp_path):
    """Python may ignore the interrupt there, and the command went on: as this stand-in for such a moment does."""
    imports, python_path = tmp_path / "imports", tmp_path / "first"
    python_path.mkdir()
    (python_path / "sitecustomize.py").write_text(
        "import sys, time, pathlib\n"
        "class Stops:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'numpy':\n"
        f"            pathlib.Path({str(imports)!r}).touch()\n"
        "            try: time.sleep(600)\n"
        "            except KeyboardInterrupt: pass\n"
        "sys.meta_path.insert(0, Stops())\n"
    )
    with Shell(shell.home, shell.database_url, (python_path,)).start("doctor") as process:
        assert wait_until(imports.exists, PATIENCE_S)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err.strip()) == (130, "")
