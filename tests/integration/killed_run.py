"""A weekly run in a process of its own, which is killed, or finds no memory, before or after any of its writes."""

import itertools
import os
import signal
from collections.abc import Callable, Mapping
from multiprocessing import get_context
from typing import Any, Literal, NoReturn

import sqlalchemy as sa

from resources.model import Week
from seedtest_pipeline.automation import run_locks
from seedtest_pipeline.dagster_home import prepare_dagster_home
from seedtest_pipeline.runs import Runner
from seedtest_pipeline.settings import Settings, prepare_process
from seedtest_pipeline.wiring import Parts

# Imported once by a server that forks: a run then costs what it makes, and not three seconds of imports.
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["tests.integration.killed_run", "scipy.special", "vl_convert"])


Fault = Literal["killed", "without memory"]


def run(
    environment: Mapping[str, str], weeks: tuple[str, ...], fault_at: int | None = None, fault: Fault = "killed"
) -> tuple[int, int]:
    """The process's exit code, and how many writes it got to: transactions committed and files put in place.

    The fault comes at the write of number `fault_at`: before one of an odd number, after one of an even.
    """
    writes = FORKS.Value("i", 0)
    process = FORKS.Process(target=_run, args=(dict(environment), weeks, fault_at, fault, writes))
    process.start()
    process.join()
    return process.exitcode or 0, writes.value


def _run(environment: dict[str, str], weeks: tuple[str, ...], fault_at: int | None, fault: Fault, writes: Any) -> None:
    os.environ.clear()
    os.environ.update(environment)
    run_locks.SECOND_LOOK_S = 0.0  # no database restarts meanwhile: a lock that is free was left by a killed run
    _count(writes, fault_at, fault)
    prepare_process()
    settings = Settings.load()
    prepare_dagster_home(settings)
    Runner(Parts(settings), lambda *_: None).weeks([Week.parse(week) for week in weeks])


def _count(writes: Any, fault_at: int | None, fault: Fault) -> None:
    number = itertools.count(1)

    def around(write: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            writes.value = n = next(number)
            if n == fault_at and n % 2:
                _end(fault)
            made = write(*args, **kwargs)
            if n == fault_at:
                _end(fault)
            return made

        return counted

    os.replace = around(os.replace)
    sa.engine.default.DefaultDialect.do_commit = around(sa.engine.default.DefaultDialect.do_commit)  # type: ignore[method-assign]


def _end(fault: Fault) -> NoReturn:
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise MemoryError
