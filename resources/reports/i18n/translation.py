"""The report's document in another language: a Quarto document before it is compiled, line by line, and its charts.

A message is one line of text: a paragraph's line, the inside of a line `[...]{...}`, a heading, a list's item, a
table's cell, the title. Placeholders and conditions inside of a line belong to its message. Of a chart it is what
stands in a `<text>`; of R's code, the literal in a `text("...")`.
"""

import re
from collections.abc import Callable

from resources.reports.i18n.wording import Words

_LANG = re.compile(r"lang: .*")
_TITLE = re.compile(r'(title: ")(.*)(")')
_SPAN = re.compile(r"(\[)(.*)(\]\{[^{}]*\})")
_START = re.compile(r"((?:#+|[-*:]|\d+\.) +)(.*?)( +\{[^{}]*\})?")
_NO_TEXT = re.compile(r"\[[\w.]+\]\{\.v\}|\{[^{}]*\}")
_CHART_TEXT = re.compile(r"(?<=>)[^<>{}]+(?=</text>)")
_CHUNK = re.compile(r"(^```\{r\}\n.*?^```\n)", re.DOTALL | re.MULTILINE)
_CODE_TEXT = re.compile(r'(\btext\(\s*")([^"]+)(")')
_FENCE = re.compile(r":::|<!--|\|[-:|]+$")


def translated(document: str, words: Words) -> str:
    """`document` (a .qmd) in the language of `words`.

    Raises:
        TemplateBroken: a line of it has no translation.
    """
    text = _each_message(document, words.text)
    return "\n".join(f"lang: {words.language}" if _LANG.fullmatch(line) else line for line in text.split("\n"))


def translated_chart(svg: str, words: Words) -> str:
    """`svg` (of quarto/charts) in the language of `words`.

    Raises:
        TemplateBroken: a text of it has no translation.
    """
    translate = words.text
    return _CHART_TEXT.sub(lambda text: translate(text[0]), svg)


def chart_messages(svg: str) -> list[str]:
    return _CHART_TEXT.findall(svg)


def messages(document: str) -> list[str]:
    """Every message of `document`, in order."""
    found: list[str] = []

    def note(message: str) -> str:
        found.append(message)
        return message

    _each_message(document, note)
    return found


def _each_message(document: str, translate: Callable[[str], str]) -> str:
    _, header, body = document.split("---\n", 2)
    header = _TITLE.sub(lambda title: title[1] + translate(title[2]) + title[3], header)
    parts = _CHUNK.split(body)
    parts[::2] = ["\n".join(_line(line, translate) for line in prose.split("\n")) for prose in parts[::2]]
    parts[1::2] = [_CODE_TEXT.sub(lambda text: text[1] + translate(text[2]) + text[3], code) for code in parts[1::2]]
    return "---\n".join(["", header, "".join(parts)])


def _line(line: str, translate: Callable[[str], str]) -> str:
    if _FENCE.match(line) or not _has_text(line):
        return line
    if line.startswith("|"):
        return "|".join(_cell(cell, translate) for cell in line.split("|"))
    for pattern in (_START, _SPAN):
        if (parts := pattern.fullmatch(line)) and _balanced(parts[2]):
            return parts[1] + translate(parts[2]) + (parts[3] or "")
    return translate(line)


def _cell(cell: str, translate: Callable[[str], str]) -> str:
    return cell.replace(cell.strip(), translate(cell.strip())) if _has_text(cell) else cell


def _has_text(line: str) -> bool:
    return any(character.isalpha() for character in _NO_TEXT.sub("", line))


def _balanced(text: str) -> bool:
    """Whether the brackets around `text` are one pair, and not two spans' beside each other."""
    depth = 0
    for character in text:
        depth += (character == "[") - (character == "]")
        if depth < 0:
            return False
    return depth == 0
