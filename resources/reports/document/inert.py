"""Text as HTML in which nothing acts: braces, too, so that what looks like a placeholder in a report is one."""

import re

_SPECIAL = re.compile("[&<>\"'{]")
_ESCAPES = str.maketrans({c: f"&#{ord(c)};" for c in "\"'{"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def html(text: str) -> str:
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text
