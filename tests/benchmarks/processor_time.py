"""Processor time that processes have taken, from Linux's /proc: what a busy machine does not change."""

import os
from pathlib import Path

import psycopg

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def of(pid: int) -> float:
    """Seconds of a process and of all that it started, ended ones included."""
    return sum(family(pid).values())


def family(pid: int) -> dict[int, float]:
    """The processor's seconds of a process and of each that it started and that still runs; what those have taken
    that ended is their parent's."""
    children: dict[int, list[int]] = {}
    seconds: dict[int, float] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has just ended
            seconds[int(folder.name)] = sum(map(int, after_name[11:15])) / _TICKS_PER_S
            children.setdefault(int(after_name[1]), []).append(int(folder.name))
    found, left = {pid: seconds[pid]}, [pid]
    while left:
        for child in children.get(left.pop(), ()):
            left.append(child)
            found[child] = seconds[child]
    return found


def postmaster(database_url: str) -> int:
    """The process id of the PostgreSQL server, which runs on this machine."""
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    return int((Path(row[0]) / "postmaster.pid").read_text().split("\n")[0])
