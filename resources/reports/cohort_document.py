"""The cohort report's document, rendered by Quarto with R: tables in, one self-contained HTML page out.

The data stand beside the document as CSV files: Quarto's parameters pass through YAML, where the id 029 is 29.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from resources.errors import TemplateBroken
from resources.reports.document.compile import QUARTO_NEEDED

DOCUMENT = "cohort_report.qmd"
_THEME = ("theme/cohort.html", "theme/cohort.css")
_TABLES = "cohort"  # the folder that the document reads
R_PACKAGES = ("knitr", "rmarkdown", "ggplot2")
_INSTALL = "on Debian or Ubuntu: sudo apt-get install -y " + " ".join(f"r-cran-{name}" for name in R_PACKAGES)
TIMEOUT_S = 300  # it takes some ten seconds, and more on a cold machine
_ASKING_S = 30

_OPTIONS = re.compile(r"^```\{r\}\n((?:#\|.*\n)+)", re.MULTILINE)
_FIGURE = re.compile(r"<img\b[^>]*\bsrc=\"data:image/svg\+xml[;,]|<svg\b")
_LOADS = re.compile(r"<script|@import|\bsrc=\"(?!data:)|<link\b[^>]*href=\"(?!data:)", re.IGNORECASE)


def lacking() -> str | None:
    """What a cohort report needs and this machine has not, as a sentence with the remedy; None where all is there."""
    quarto = shutil.which("quarto")
    if quarto is None:
        return f"Quarto is not installed: get {_version(QUARTO_NEEDED)} or later from https://quarto.org."
    said = _said([quarto, "--version"])
    if tuple(int(n) for n in re.findall(r"\d+", said)[:2]) < QUARTO_NEEDED:
        return f"Quarto {said} is too old: get {_version(QUARTO_NEEDED)} or later from https://quarto.org."
    rscript = shutil.which("Rscript")
    if rscript is None:
        return f"R is not installed; {_INSTALL}"
    names = ", ".join(f"'{name}'" for name in R_PACKAGES)
    missing = _said([rscript, "-e", f"cat(Filter(function(p) !nzchar(system.file(package = p)), c({names})))"])
    return f"R lacks {', '.join(missing.split())}; {_INSTALL}" if missing else None


def render(source_dir: Path, tables: Mapping[str, pd.DataFrame]) -> bytes:
    """The page of `source_dir`/cohort_report.qmd over these tables; the same from the same tables and tools.

    Needs what `lacking` asks for.

    Raises:
        TemplateBroken: a chunk failed, rendering took too long, or the page is not whole.
    """
    document = (source_dir / DOCUMENT).read_text("utf-8")
    with tempfile.TemporaryDirectory(prefix="seedtest-cohort-") as scratch:
        # A copy for each render: in one folder two at once write over each other's files. Without _quarto.yml, since a
        # project would have Quarto look at the other documents.
        folder = Path(scratch) / "quarto"
        for name in (DOCUMENT, *_THEME):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source_dir / name, folder / name)
        (folder / _TABLES).mkdir()
        for name, table in tables.items():
            table.to_csv(folder / _TABLES / f"{name}.csv", index=False)
        done = _run(["quarto", "render", DOCUMENT, "--to", "html"], folder, TIMEOUT_S)
        if done.returncode != 0:
            raise _failed(done, document)
        made = folder / DOCUMENT.replace(".qmd", ".html")
        if not made.exists():
            raise TemplateBroken(f"quarto render of {DOCUMENT} ended well and wrote no {made.name}.", where=DOCUMENT)
        page = made.read_bytes()
    _check(page.decode(), document, tables)
    return page


def _said(command: list[str]) -> str:
    """What a command says of itself, on standard output."""
    done = _run(command, Path.cwd(), _ASKING_S)
    if done.returncode != 0:
        raise TemplateBroken(f"{' '.join(command)} failed ({done.returncode}): {done.stderr.strip()[-1000:]}")
    return done.stdout.strip()


def _run(command: list[str], folder: Path, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """A command in a process group of its own, of which nothing is left where it does not end by itself.

    In a fixed locale: it decides how R sorts, and in a service that has none R garbles what is not ASCII.

    Raises:
        TemplateBroken: it took too long.
    """
    process = subprocess.Popen(
        command, cwd=folder, env={**os.environ, "LC_ALL": "C.UTF-8"}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, encoding="utf-8", errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=timeout_s)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)  # Quarto starts R and pandoc: they go with it
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise TemplateBroken(f"{' '.join(command)} did not end within {timeout_s:g} s, and was stopped.") from None
        raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _failed(done: subprocess.CompletedProcess[str], document: str) -> TemplateBroken:
    """Why a render failed, with the chunk, which newer versions of knitr name; older ones tell its lines."""
    where = " ".join(done.args)
    if named := re.search(r"Quitting from .*\[([^\]]+)\]", done.stderr):
        where = f"Chunk `{named[1]}` of {DOCUMENT}"
    elif lines := re.search(r"Quitting from lines (\d+)-(\d+)", done.stderr):
        inside = document.splitlines()[int(lines[1]) - 1 : int(lines[2])]
        label = next((line.removeprefix("#| label: ") for line in inside if line.startswith("#| label: ")), None)
        where = f"Chunk `{label}` of {DOCUMENT}" if label else f"{DOCUMENT}, lines {lines[1]} to {lines[2]},"
    return TemplateBroken(f"{where} failed ({done.returncode}): {done.stderr.strip()[-1000:]}")


def _check(html: str, document: str, tables: Mapping[str, pd.DataFrame]) -> None:
    """The page is examined, not the exit code: a renderer that drops something ends with success."""
    about = dict(zip(tables["about"]["name"], tables["about"]["value"], strict=True))
    if not html.rstrip().endswith("</html>"):
        raise TemplateBroken(f"The page of {DOCUMENT} has no end.", where=DOCUMENT)
    if f"Week of {about['week']}." not in html:
        raise TemplateBroken(f"The page of {DOCUMENT} does not name the week {about['week']}.", where=DOCUMENT)
    if loads := _LOADS.search(html):
        raise TemplateBroken(
            f"The page of {DOCUMENT} loads something: {loads[0]!r}. It must stand alone.", where=DOCUMENT
        )
    always = sum("fig-cap:" in options and "eval:" not in options for options in _OPTIONS.findall(document))
    if (found := len(_FIGURE.findall(html))) < always:
        raise TemplateBroken(
            f"The page of {DOCUMENT} has {found} figures, and at least {always} are due.", where=DOCUMENT
        )


def _version(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
