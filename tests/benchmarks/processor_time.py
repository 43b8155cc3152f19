"""Processor time that processes have taken, from Linux's /proc: what a busy machine does not change."""

import os
from pathlib import Path

import psycopg

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def of(pid: int) -> float:
    """Seconds of a process and of all that it started, ended ones included."""
    parents: dict[int, list[tuple[int, float]]] = {}
    own: dict[int, float] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has just ended
            seconds = sum(map(int, after_name[11:15])) / _TICKS_PER_S
            own[int(folder.name)] = seconds
            parents.setdefault(int(after_name[1]), []).append((int(folder.name), seconds))
    left, total = [pid], own[pid]
    while left:
        for child, seconds in parents.get(left.pop(), ()):
            left.append(child)
            total += seconds
    return total


def postmaster(database_url: str) -> int:
    """The process id of the PostgreSQL server, which runs on this machine."""
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    return int((Path(row[0]) / "postmaster.pid").read_text().split("\n")[0])
