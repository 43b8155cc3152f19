"""Programs of this machine that are not Python's, Quarto and R: where they are, what they lack, and how they are run.

Stays out: what they are asked to do (`reports`, `estimators.r_service`).
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from resources.errors import OperatorRequired

_ANSWER_S = 30  # for a question such as --version, on a cold machine


@dataclass(frozen=True)
class Quarto:
    path: str
    version: str

    def is_at_least(self, needed: tuple[int, ...]) -> bool:
        return tuple(int(n) for n in re.findall(r"\d+", self.version)[: len(needed)]) >= needed


def find_quarto() -> Quarto | None:
    """The Quarto on the PATH; None without one.

    Raises:
        OperatorRequired: it is there and does not say its version.
    """
    path = shutil.which("quarto")
    return None if path is None else Quarto(path, _said([path, "--version"]))


def find_rscript() -> str | None:
    """The path of R's Rscript; None without R."""
    return shutil.which("Rscript")


def missing_r_packages(rscript: str, packages: Sequence[str], *, vanilla: bool) -> list[str]:
    """Those of the packages that R does not have; `vanilla`: without what a user's own start-up files add.

    Raises:
        OperatorRequired: R does not work.
    """
    names = ", ".join(f"'{name}'" for name in packages)
    asked = f"cat(Filter(function(p) !nzchar(system.file(package = p)), c({names})))"
    return _said([rscript, *(["--vanilla"] if vanilla else []), "-e", asked]).split()


def run(
    command: Sequence[str], folder: Path, timeout_s: float, late: type[OperatorRequired] = OperatorRequired
) -> subprocess.CompletedProcess[str]:
    """A command in a process group of its own, of which nothing is left where it does not end by itself.

    In a fixed locale: it decides how R sorts, and in a service that has none R garbles what is not ASCII.

    Raises:
        late: it took longer than `timeout_s`.
    """
    process = subprocess.Popen(
        command, cwd=folder, env={**os.environ, "LC_ALL": "C.UTF-8"}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=timeout_s)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)  # Quarto starts R and pandoc: they go with it
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            what = f"{' '.join(command)} did not end within {timeout_s:g} s, and was stopped."
            raise late(what, where=command[0]) from None
        raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _said(command: list[str]) -> str:
    """What a command says of itself, on standard output."""
    done = run(command, Path.cwd(), _ANSWER_S)
    if done.returncode != 0:
        what = f"{command[0]} does not work: {done.stderr.strip()[-1000:]}"
        raise OperatorRequired(what, where=command[0])
    return done.stdout.strip()
