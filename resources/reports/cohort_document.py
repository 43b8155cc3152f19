"""The cohort report's document, rendered by Quarto with R: tables in, one self-contained HTML page out.

The data stand beside the document as CSV files: Quarto's parameters pass through YAML, where the id 029 is 29.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from resources import programs
from resources.errors import TemplateBroken
from resources.model import Language
from resources.reports.document.compile import QUARTO_NEEDED
from resources.reports.i18n.translation import translated
from resources.reports.i18n.wording import words_of

DOCUMENT = "cohort_report.qmd"
_THEME = ("theme/cohort.html", "theme/cohort.css")
_TABLES = "cohort"  # the folder that the document reads
# A catalogue of its own: every learner's report in Korean rests on theirs, and none on what this one says.
CATALOGUE = "locales/cohort"
_SAID = {"learners": "outcome", "answers": "outcome", "diagnosis": "finding"}  # columns of messages, by table
R_PACKAGES = ("knitr", "rmarkdown", "ggplot2")
_INSTALL = "on Debian or Ubuntu: sudo apt-get install -y " + " ".join(f"r-cran-{name}" for name in R_PACKAGES)
TIMEOUT_S = 300  # it takes some ten seconds, and more on a cold machine

_OPTIONS = re.compile(r"^```\{r\}\n((?:#\|.*\n)+)", re.MULTILINE)
_FIGURE = re.compile(r"<img\b[^>]*\bsrc=\"data:image/svg\+xml[;,]|<svg\b")
_LOADS = re.compile(r"<script|@import|\bsrc=\"(?!data:)|<link\b[^>]*href=\"(?!data:)", re.IGNORECASE)


def lacking() -> str | None:
    """What a cohort report needs and this machine has not, as a sentence with the remedy; None where all is there."""
    needed = ".".join(map(str, QUARTO_NEEDED))
    quarto = programs.find_quarto()
    if quarto is None:
        return f"Quarto is not installed: get {needed} or later from https://quarto.org."
    if not quarto.is_at_least(QUARTO_NEEDED):
        return f"Quarto {quarto.version} is too old: get {needed} or later from https://quarto.org."
    rscript = programs.find_rscript()
    if rscript is None:
        return f"R is not installed; {_INSTALL}"
    missing = programs.missing_r_packages(rscript, R_PACKAGES, vanilla=False)  # Quarto's R reads those files, too
    return f"R lacks {', '.join(missing)}; {_INSTALL}" if missing else None


def render(source_dir: Path, tables: Mapping[str, pd.DataFrame], language: Language = "en") -> bytes:
    """The page of `source_dir`/cohort_report.qmd over these tables; the same from the same tables and tools.

    Needs what `lacking` asks for.

    Raises:
        TemplateBroken: a chunk failed, rendering took too long, or the page is not whole; a text has no
            translation.
    """
    words = words_of(source_dir, language, CATALOGUE)
    document = translated((source_dir / DOCUMENT).read_text("utf-8"), words)
    with tempfile.TemporaryDirectory(prefix="seedtest-cohort-") as scratch:
        # A copy for each render: in one folder two at once write over each other's files. Without _quarto.yml, since a
        # project would have Quarto look at the other documents.
        folder = Path(scratch) / "quarto"
        for name in _THEME:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source_dir / name, folder / name)
        (folder / DOCUMENT).write_text(document, "utf-8")
        (folder / _TABLES).mkdir()
        for name, table in tables.items():
            if column := _SAID.get(name):
                table = table.assign(**{column: table[column].map(words.text)})
            table.to_csv(folder / _TABLES / f"{name}.csv", index=False)
        done = programs.run(["quarto", "render", DOCUMENT, "--to", "html"], folder, TIMEOUT_S, TemplateBroken)
        if done.returncode != 0:
            raise _failed(done, document)
        made = folder / DOCUMENT.replace(".qmd", ".html")
        if not made.exists():
            raise TemplateBroken(f"quarto render of {DOCUMENT} ended well and wrote no {made.name}.", where=DOCUMENT)
        page = made.read_bytes()
    _check(page.decode(), document, tables)
    return page


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
    if not re.search(rf'<p class="?subject"?>[^<]*{about["week"]}', html):
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
