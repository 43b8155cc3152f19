"""So much of a core for a process and all that it started, as a container's limit gives it: by Linux's control groups,
where this process may make one."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import processor_time

_V1, _V2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
_PERIOD_US = 10_000  # a tenth of what is usual, so that no request waits for long


def possible() -> bool:
    try:
        with _group(1.0):
            return True
    except OSError:
        return False


@contextmanager
def limited(pid: int, cores: float) -> Iterator[None]:
    """Raises:
    OSError: it is not `possible`.
    """
    with _group(cores) as group:
        _move(group, pid)
        try:
            yield
        finally:
            _move(group.parent, pid)


@contextmanager
def _group(cores: float) -> Iterator[Path]:
    first = _V1.is_dir()
    group = Path(tempfile.mkdtemp(prefix="bench-", dir=_V1 if first else _V2))
    quota_us = round(cores * _PERIOD_US)
    try:
        if first:
            (group / "cpu.cfs_period_us").write_text(f"{_PERIOD_US}")
            (group / "cpu.cfs_quota_us").write_text(f"{quota_us}")
        else:
            (group / "cpu.max").write_text(f"{quota_us} {_PERIOD_US}")
        yield group
    finally:
        group.rmdir()


def _move(group: Path, pid: int) -> None:
    for one in processor_time.family(pid):
        (group / "cgroup.procs").write_text(f"{one}")
