"""The report's document, compiled once to a template: by Quarto where it is installed, else by pandoc.

A `quarto render` takes seconds and filling takes milliseconds: what is the same for everybody is rendered once per
content, and kept.
"""

import hashlib
import logging
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pypandoc

from resources.errors import TemplateBroken
from resources.reports.checks import check_template
from resources.reports.document import translated
from resources.reports.template import Template
from resources.reports.wording import Language, Words

DOCUMENT = "weekly_report.qmd"
QUARTO_NEEDED = (1, 10)
TIMEOUT_S = 180  # a first `quarto render` on a cold machine takes some ten seconds
RECIPE = "2"  # part of the cache's key: raise it when this file comes to make something else of the same document

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Tool:
    """`compile` takes the folder of a private copy and returns the HTML of the document in it."""

    name: str
    compile: Callable[[Path], str]


def compile_template(source_dir: Path, cache_dir: Path, language: Language = "en") -> Template:
    """The template of `source_dir`/weekly_report.qmd with its theme and charts, from `cache_dir` if it is there.

    Raises:
        TemplateBroken: the tool failed, took too long, or made something else than the document asks for; the document
            has no translation.
    """
    tool = _tool()
    words = _words(source_dir, language)
    document = translated((source_dir / DOCUMENT).read_text(encoding="utf-8"), words)
    cached = cache_dir / f"{_content_hash(source_dir, tool, language)}.html"
    if cached.exists():
        html = cached.read_text(encoding="utf-8")
    else:
        html = _compiled(source_dir, document, tool)
        check_template(html, document)
        _keep(cached, html)
    charts = _charts(source_dir, html)
    covered = [html, words.language, words.catalogue, *(f"{name}\0{charts[name]}" for name in sorted(charts))]
    return Template(html, charts, hashlib.sha256("\0".join(covered).encode()).hexdigest(), tool.name, words)


def compiler() -> str:
    """The tool that compiles here, with its version."""
    return _tool().name


def _words(source_dir: Path, language: Language) -> Words:
    """English is what the document is written in; every other language has a catalogue."""
    return Words(language, "" if language == "en" else (source_dir / f"locales/{language}.po").read_text("utf-8"))


def _charts(source_dir: Path, html: str) -> dict[str, str]:
    """The specifications of the charts that `html` shows, by name."""
    charts = {}
    for name in sorted(set(re.findall(r"\{\{ charts\.(\w+) \}\}", html))):
        path = source_dir / f"charts/{name}.vl.json"
        if not path.exists():
            raise TemplateBroken(f"The document shows the chart {name}, and there is no specification {path}.")
        charts[name] = path.read_text("utf-8")
    return charts


def _compiled(source_dir: Path, document: str, tool: _Tool) -> str:
    """From a private copy: in place, two renders at once write over each other's files and can still exit with 0."""
    with tempfile.TemporaryDirectory(prefix="seedtest-report-") as scratch:
        copy = shutil.copytree(source_dir, Path(scratch) / "quarto", ignore=shutil.ignore_patterns(".*"))
        (Path(copy) / DOCUMENT).write_text(document, "utf-8")
        return tool.compile(Path(copy))


def _tool() -> _Tool:
    if quarto := shutil.which("quarto"):
        version = _run([quarto, "--version"], Path.cwd()).strip()
        numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:2])
        if numbers >= QUARTO_NEEDED:
            return _Tool(f"quarto {version}", lambda folder: _by_quarto(quarto, folder))
        logger.warning("Quarto %s is too old (%d.%d is needed): pandoc compiles the report.", version, *QUARTO_NEEDED)
    pandoc = pypandoc.get_pandoc_path()
    return _Tool(f"pandoc {pypandoc.get_pandoc_version()}", lambda folder: _by_pandoc(pandoc, folder))


def _by_quarto(quarto: str, folder: Path) -> str:
    made = (folder / DOCUMENT).with_suffix(".html")
    made.unlink(missing_ok=True)  # somebody may have rendered the document by hand
    _run([quarto, "render", DOCUMENT, "--to", "html"], folder)
    if not made.exists():
        raise TemplateBroken(f"quarto render ended well and wrote no {made.name}.")
    return made.read_text(encoding="utf-8")


def _by_pandoc(pandoc: str, folder: Path) -> str:
    """What the document's own header asks of Quarto, said to pandoc."""
    options = ["--from=markdown", "--to=html5", "--template=theme/page.html", "--lua-filter=fill.lua"]
    return _run([pandoc, DOCUMENT, *options, "--embed-resources", "--mathml", "--wrap=none"], folder)


def _run(command: list[str], folder: Path) -> str:
    """Standard output. Raises TemplateBroken with the end of standard error."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise TemplateBroken(f"{' '.join(command)} did not end within {TIMEOUT_S} s.") from error
    if done.returncode != 0:
        raise TemplateBroken(f"{' '.join(command)} failed ({done.returncode}): {done.stderr.strip()[-1000:]}")
    return done.stdout


def _content_hash(source_dir: Path, tool: _Tool, language: Language) -> str:
    digest = hashlib.sha256(f"{RECIPE}\0{tool.name}\0{language}".encode())
    for path in sorted(source_dir.rglob("*")):
        relative = path.relative_to(source_dir)
        if path.is_file() and not any(part.startswith(".") for part in relative.parts):
            digest.update(f"\0{relative.as_posix()}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _keep(path: Path, html: str) -> None:
    """Whole or not at all, whoever else compiles the same now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".part", delete=False) as part:
        part.write(html)
    Path(part.name).replace(path)
