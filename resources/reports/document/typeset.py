"""PDF from Typst source: tagged (PDF/UA-1), fonts embedded, the same bytes from the same source.

Typst brings a serif for Latin; other scripts come from the machine's fonts. Characters that none of them has become
replacement characters, and are named: one emoji in a topic must not keep a learner's report back every week.
"""

import datetime as dt
import functools
import re
import threading
from pathlib import Path

import typst

from resources.errors import OperatorRequired, TemplateBroken
from resources.model import Language

_SPECIAL = re.compile(r'[\x00-\x1f\x7f-\x9f"\\{%]')
_NO_GLYPH = re.compile(r'the text `"(.*?)"` could not be displayed with')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
_ROUNDS = 4  # Typst names all texts without a glyph at once; what stands in for them may change where lines break
_FONTS = "On Debian and Ubuntu: apt-get install fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji"
_SAMPLES: dict[Language, str] = {"en": "Aa", "ko": "한글"}

# A compiler keeps its fonts, and what it laid out before: a report takes milliseconds instead of a third of a second.
# It serves one thread at a time.
_lock = threading.Lock()


def literal(text: str) -> str:
    """A string literal of Typst; `{` and `%` are escaped as well, so that no name looks like a placeholder."""
    return '"' + _SPECIAL.sub(lambda special: f"\\u{{{ord(special[0]):x}}}", text) + '"'


def pdf(source: str, made_at: dt.datetime, lost: set[str] | None = None) -> bytes:
    """`source` as PDF/UA-1, dated `made_at`. Characters that no font of this machine has are put into `lost`.

    Raises:
        OperatorRequired: no font of this machine has a text of it, and there is no `lost`.
        TemplateBroken: it is no Typst, or lacks what a reading program needs.
    """
    for _ in range(_ROUNDS):
        try:
            with _lock:
                made = _compiler().compile(input=source.encode(), timestamp=made_at, pdf_standards=["ua-1"])
        except typst.TypstError as error:
            missing = _without_glyph(error)
            if not missing:
                fault = error.diagnostic.partition("error: ")[2].strip()  # warnings stand before it
                raise TemplateBroken(f"Typst cannot set the report: {fault}") from error
            if lost is None:
                what = f"A PDF needs a font that this machine lacks: {error.message}."
                raise OperatorRequired(what, remedy=_FONTS) from error
            lost |= missing
            source = source.translate(dict.fromkeys(map(ord, missing), "\ufffd"))
            continue
        assert isinstance(made, bytes)  # noqa: S101 - a list only where pages become pictures
        return made
    raise TemplateBroken(f"Typst cannot set the report: it still lacks glyphs after {_ROUNDS} rounds")


def _without_glyph(error: typst.TypstError) -> set[str]:
    """The characters that Typst complains of, which writes some of them as `\\u{1fbff}`."""
    texts = _NO_GLYPH.findall(error.diagnostic)
    plain = (_ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)), text) for text in texts)
    return {character for text in plain for character in text if ord(character) > 0x7F}


def check_fonts(language: Language) -> None:
    """Nothing, if this machine can print `language`.

    Raises:
        OperatorRequired: it has no font for it.
    """
    pdf(f"#set document(title: [{language}])\n{_SAMPLES[language]}", dt.datetime(2000, 1, 1, tzinfo=dt.UTC))


@functools.cache
def _compiler() -> typst.Compiler:
    """Its root, the only folder that a document could read, is this package."""
    return typst.Compiler(b"", root=str(Path(__file__).parent))
