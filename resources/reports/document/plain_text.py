"""A report's HTML as text that reads well where there is nothing else: a paragraph or a table's row a line."""

import re
from html.parser import HTMLParser
from unicodedata import east_asian_width

_BLOCKS = frozenset({"h1", "h2", "h3", "p", "div", "table", "tr", "li", "main", "br"})
_CELLS = frozenset({"td", "th"})


def plain_text(html: str) -> str:
    """Headings are underlined, a table's cells stand after each other with a bar between them; a link has its address
    in brackets."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(reader.lines)).strip() + "\n"


def _width(line: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in line)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._words: list[str] = []
        self._address = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self._end_line()
        if tag in ("p", "h1", "h2", "h3", "table"):
            self.lines.append("")
        if tag in _CELLS and self._words:
            self._words.append(" | ")
        if tag == "span":
            self._words.append(" ")
        if tag == "a":
            self._address = dict(attrs).get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._address:
            self._words.append(f" ({self._address})")
            self._address = ""
        if tag in _BLOCKS:
            self._end_line()
            if tag in ("h1", "h2", "h3") and self.lines and self.lines[-1]:
                self.lines.append(("=" if tag == "h1" else "-") * _width(self.lines[-1]))

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    def close(self) -> None:
        super().close()
        self._end_line()

    def _end_line(self) -> None:
        line = re.sub(r" +([.,:;)])", r"\1", " ".join("".join(self._words).split()))
        self._words.clear()
        if line:
            self.lines.append(line)
