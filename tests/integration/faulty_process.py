"""Weekly runs, and a learner's being forgotten, in a process of its own, which is killed, or finds no memory, before or
after any of its writes."""

import datetime as dt
import itertools
import os
import signal
from collections.abc import Callable, Mapping
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal, NoReturn

import sqlalchemy as sa

from resources.model import Week
from seedtest_pipeline import forgetting
from seedtest_pipeline.automation import run_locks
from seedtest_pipeline.dagster_home import prepare_dagster_home
from seedtest_pipeline.runs import Runner, open_instance
from seedtest_pipeline.settings import Settings, prepare_process
from seedtest_pipeline.wiring import Parts

# Imported once by a server that forks: a run then costs what it makes, and not three seconds of imports.
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["tests.integration.faulty_process", "scipy.special", "vl_convert"])


Fault = Literal["killed", "without memory"]


def run(
    environment: Mapping[str, str], weeks: tuple[str, ...], fault_at: int | None = None, fault: Fault = "killed"
) -> tuple[int, int]:
    """The process's exit code, and how many writes it got to: transactions committed, files put in place or removed.

    The fault comes at the write of number `fault_at`: before one of an odd number, after one of an even.
    """
    return _ended(environment, partial(_run, weeks), fault_at, fault)


def forget(environment: Mapping[str, str], user_id: str, killed_at: int | None = None) -> tuple[int, int]:
    """The same of `seedtest forget --yes --and-ignore`."""
    return _ended(environment, partial(_forget, user_id), killed_at, "killed")


def _ended(
    environment: Mapping[str, str], work: Callable[[Parts], None], fault_at: int | None, fault: Fault
) -> tuple[int, int]:
    writes = FORKS.Value("i", 0)
    process = FORKS.Process(target=_work, args=(dict(environment), work, fault_at, fault, writes))
    process.start()
    process.join()
    return process.exitcode or 0, writes.value


def _work(
    environment: dict[str, str], work: Callable[[Parts], None], fault_at: int | None, fault: Fault, writes: Any
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    run_locks.SECOND_LOOK_S = 0.0  # no database restarts meanwhile: a lock that is free was left by a killed run
    _count(writes, fault_at, fault)
    prepare_process()
    settings = Settings.load()
    prepare_dagster_home(settings)
    work(Parts(settings))


def _run(weeks: tuple[str, ...], parts: Parts) -> None:
    Runner(parts, lambda *_: None).weeks([Week.parse(week) for week in weeks])


def _forget(user_id: str, parts: Parts) -> None:
    with open_instance() as instance:
        forgetting.forget(parts, instance, user_id, really=True, ignore=dt.datetime.now(dt.UTC))


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
    Path.unlink = around(Path.unlink)  # type: ignore[method-assign]
    sa.engine.default.DefaultDialect.do_commit = around(sa.engine.default.DefaultDialect.do_commit)  # type: ignore[method-assign]


def _end(fault: Fault) -> NoReturn:
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise MemoryError
