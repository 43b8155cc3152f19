"""A name in another script than the report's, with its language: screen readers and browsers take it as such.

A script that several languages write has no language here: `und` with the script's code. A PDF takes a font that has
it.
"""

import re
import unicodedata
from dataclasses import dataclass

from resources.model import Language
from resources.reports.document import inert
from resources.reports.document.typeset import literal

# By how Unicode calls a script's letters.
_LANGUAGES = {
    "HANGUL": "ko", "HIRAGANA": "ja", "KATAKANA": "ja", "CJK": "und-Hani", "THAI": "th", "GREEK": "el", "HEBREW": "he",
    "ARABIC": "und-Arab", "CYRILLIC": "und-Cyrl", "DEVANAGARI": "und-Deva", "LATIN": "und-Latn",
}  # fmt: skip
_JAPANESE = {"HIRAGANA", "KATAKANA"}
_OWN: dict[Language, tuple[str, ...]] = {"en": ("LATIN",), "ko": ("HANGUL", "CJK")}


@dataclass(frozen=True)
class Foreign:
    text: str
    language: str

    def __str__(self) -> str:
        return self.text

    def __html__(self) -> str:
        return f'<span lang="{self.language}">{inert.html(self.text)}</span>'

    def __typst__(self) -> str:
        return literal(self.text)


def foreign(text: str, language: Language) -> str | Foreign:
    """`text` with its language where all of its letters are of one script, and no report in `language` has it."""
    if text.isascii() and language == "en":
        return text
    scripts = {re.split("[ -]", unicodedata.name(letter, ""))[0] for letter in text if letter.isalpha()}
    if scripts & _JAPANESE:
        scripts = scripts - _JAPANESE - {"CJK"} | {"HIRAGANA"}
    if len(scripts) != 1 or scripts & set(_OWN[language]):
        return text
    found = _LANGUAGES.get(scripts.pop())
    return Foreign(text, found) if found else text
