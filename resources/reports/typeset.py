"""PDF from Typst source: tagged (PDF/UA-1), fonts embedded, the same bytes from the same source.

Typst brings a serif for Latin; other scripts come from the machine's fonts, and a text that none of them has is an error.
"""

import datetime as dt
import functools
import re
import threading
from pathlib import Path

import typst

from resources.errors import CallAPerson, ReportBroken, TemplateBroken

_UNPRINTABLE_IN_A_LITERAL = re.compile(r'[\x00-\x1f\x7f-\x9f"\\{}]')
_UNFILLED = re.compile(r"\{\{|/\*%|%\*/")
_NO_GLYPH = "could not be displayed with"

# A compiler keeps fonts and what it laid out before: a report takes milliseconds instead of a third of a second. It
# works for one thread at a time.
_lock = threading.Lock()


def literal(text: str) -> str:
    """A string literal of Typst, in which nothing has a meaning; braces too are escaped, for Jinja's sake."""
    return '"' + _UNPRINTABLE_IN_A_LITERAL.sub(lambda c: f"\\u{{{ord(c[0]):x}}}".replace("{", "{"), text) + '"'
