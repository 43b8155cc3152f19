"""The report's document, compiled once to a template: by Quarto where it is installed, else by pandoc.

A `quarto render` takes seconds and filling takes milliseconds: what is the same for everybody is rendered once per
content, and kept.
"""

import hashlib
import logging
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pypandoc

from resources import atomic_file, private_folder, programs
from resources.errors import TemplateBroken
from resources.model import Format, Language
from resources.reports.document import typeset
from resources.reports.document.checks import check_chart, check_template
from resources.reports.document.mail import mail_source
from resources.reports.document.template import Markup, Template
from resources.reports.i18n.translation import translated, translated_chart
from resources.reports.i18n.wording import Words, words_of

DOCUMENT = "weekly_report.qmd"
SAMPLE = "sample.json"  # where it lies, the document is a preview and no template
QUARTO_NEEDED = (1, 10)
TIMEOUT_S = 180  # a first `quarto render` on a cold machine takes some ten seconds
RECIPE = "4"  # part of the cache's key: raise it when this file comes to make something else of the same document

_COLUMNS = re.compile(r"<colgroup>.*?</colgroup>|<col\b[^>]*>", re.DOTALL)
_SPACE = re.compile(r"\s+")
_AROUND_BLOCKS = re.compile(
    r" ?(</?(?:html|head|meta|title|style|body|main|div|p|h[1-6]|table|thead|tbody|tr|th|td)\b[^>]*>) ?"
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Writer:
    """Pandoc's and Quarto's name of a format, and what pandoc needs to be told beside it."""

    name: str
    suffix: str
    options: tuple[str, ...]


_WRITERS: Mapping[Markup, _Writer] = {
    "html": _Writer("html", ".html", ("--template=theme/page.html", "--embed-resources", "--mathml")),
    "typst": _Writer("typst", ".typ", ("--template=theme/page.typ",)),
}


@dataclass(frozen=True)
class _Tool:
    """`compile` takes the folder of a private copy, the document's name and a writer, and returns what that writes."""

    name: str
    compile: Callable[[Path, str, _Writer], str]


def compile_templates(
    source_dir: Path, cache_dir: Path, formats: Sequence[Format], language: Language, document: str = DOCUMENT
) -> dict[Format, Template]:
    """`compile_template` for each of `formats`.

    Raises:
        OperatorRequired: this machine has no font for PDF in this language.
        TemplateBroken: as `compile_template`.
    """
    if "pdf" in formats:
        typeset.check_fonts(language)
    return {form: compile_template(source_dir, cache_dir, language, form, document) for form in formats}


def compile_template(
    source_dir: Path, cache_dir: Path, language: Language = "en", form: Format = "html", document: str = DOCUMENT
) -> Template:
    """The template of `document`, a file of `source_dir`, with its theme and charts, from `cache_dir` if it is there.

    Raises:
        TemplateBroken: the tool failed, took too long, or made something else than the document asks for; the document
            has no translation.
    """
    tool = _tool()
    words = words_of(source_dir, language)
    text = translated((source_dir / document).read_text(encoding="utf-8"), words)
    markup: Markup = "typst" if form == "pdf" else "html"
    writer = _WRITERS[markup]
    cached = cache_dir / f"{_content_hash(source_dir, tool, language, document)}{writer.suffix}"
    if cached.exists():
        source = cached.read_text(encoding="utf-8")
    else:
        source = _compiled(source_dir, document, text, tool, writer)
        if markup == "html":
            source = _normalised(source)
        check_template(source, text, markup)
        _keep(cached, source)
    if form == "eml":
        source = mail_source(source, (source_dir / "theme/mail.css").read_text("utf-8"))
        check_template(source, text)
    charts = {} if form == "eml" else _charts(source_dir, source, words)
    covered = [source, words.language, words.catalogue, *(f"{name}\0{charts[name]}" for name in sorted(charts))]
    digest = hashlib.sha256("\0".join(covered).encode()).hexdigest()
    return Template(source, charts, digest, tool.name, words, form)


def compiler() -> str:
    """The tool that compiles here, with its version."""
    return _tool().name


def _charts(source_dir: Path, source: str, words: Words) -> dict[str, str]:
    """The charts that a compiled document shows, by name, in its language and without white space between elements."""
    charts = {}
    for name in sorted(set(re.findall(r"\{\{ charts\.(\w+) \}\}", source))):
        path = source_dir / f"charts/{name}.svg"
        if not path.exists():
            raise TemplateBroken(f"The document shows the chart {name}, and there is no {path}.", where=path)
        chart = re.sub(r">\s+<", "><", translated_chart(path.read_text("utf-8").strip(), words))
        check_chart(chart, path.name)
        charts[name] = chart
    return charts


def _compiled(source_dir: Path, document: str, text: str, tool: _Tool, writer: _Writer) -> str:
    """From a private copy: in place, two renders at once write over each other's files and can still exit with 0."""
    with tempfile.TemporaryDirectory(prefix="seedtest-report-") as scratch:
        copy = shutil.copytree(source_dir, Path(scratch) / "quarto", ignore=shutil.ignore_patterns(".*", SAMPLE))
        (Path(copy) / document).write_text(text, "utf-8")
        return tool.compile(Path(copy), document, writer)


def _normalised(source: str) -> str:
    """HTML without what Quarto and pandoc write differently: white space that no browser shows, and columns of tables.

    Or machines with and without Quarto would make each other's reports anew.
    """
    return _AROUND_BLOCKS.sub(r"\1", _SPACE.sub(" ", _COLUMNS.sub("", source)))


def _tool() -> _Tool:
    if quarto := programs.find_quarto():
        path = quarto.path
        if quarto.is_at_least(QUARTO_NEEDED):
            return _Tool(f"quarto {quarto.version}", partial(_by_quarto, path))
        needed = ".".join(map(str, QUARTO_NEEDED))
        logger.warning("Quarto %s is too old (%s is needed): pandoc compiles the report.", quarto.version, needed)
    pandoc = pypandoc.get_pandoc_path()
    return _Tool(f"pandoc {pypandoc.get_pandoc_version()}", partial(_by_pandoc, pandoc))


def _by_quarto(quarto: str, folder: Path, document: str, writer: _Writer) -> str:
    made = (folder / document).with_suffix(writer.suffix)
    made.unlink(missing_ok=True)  # somebody may have rendered the document by hand
    _run([quarto, "render", document, "--to", writer.name], folder)
    if not made.exists():
        raise TemplateBroken(f"quarto render ended well and wrote no {made.name}.")
    return made.read_text(encoding="utf-8")


def _by_pandoc(pandoc: str, folder: Path, document: str, writer: _Writer) -> str:
    """What the document's own header asks of Quarto, said to pandoc."""
    options = ["--from=markdown", f"--to={writer.name}", "--lua-filter=fill.lua", "--wrap=none", *writer.options]
    return _run([pandoc, document, *options], folder)


def _run(command: list[str], folder: Path) -> str:
    """Standard output. Raises TemplateBroken with the end of standard error."""
    done = programs.run(command, folder, TIMEOUT_S, TemplateBroken)
    if done.returncode != 0:
        raise TemplateBroken(f"{' '.join(command)} failed ({done.returncode}): {done.stderr.strip()[-1000:]}")
    return done.stdout


def _content_hash(source_dir: Path, tool: _Tool, language: Language, document: str) -> str:
    digest = hashlib.sha256(f"{RECIPE}\0{tool.name}\0{language}\0{document}".encode())
    for path in sorted(source_dir.rglob("*")):
        relative = path.relative_to(source_dir)
        if path.is_file() and path.name != SAMPLE and not any(part.startswith(".") for part in relative.parts):
            digest.update(f"\0{relative.as_posix()}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _keep(path: Path, source: str) -> None:
    """Whole or not at all, whoever else compiles the same now."""
    private_folder.make(path.parent)
    atomic_file.write(path, source.encode(), mode=0o600)
