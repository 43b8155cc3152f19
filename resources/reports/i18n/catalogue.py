"""Message catalogues: gettext PO files whose message ids are the English texts.

Nothing falls back to English: a text without its translation is an error, and so is a translation that lost or invented
a placeholder.
"""

import functools
import io
import re
from gettext import GNUTranslations, NullTranslations

from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from resources.errors import TemplateBroken

_MARKS = re.compile(r'\[[\w.]+\]\{\.v\}|\{[^{}]*\b(?:if|each)="[^"]*"[^{}]*\}|\{\w+\}|`r [^`]*`')


@functools.lru_cache(maxsize=4)
def translations(po: str) -> NullTranslations:
    """The messages of a PO file; unfinished (empty or fuzzy) ones are missing.

    Raises:
        TemplateBroken: here, for a file that is no catalogue or changes placeholders; by its methods, for a message
            that it does not have.
    """
    try:
        catalogue = read_po(io.StringIO(po), abort_invalid=True)
    except PoFileError as error:
        raise TemplateBroken(f"A message catalogue in quarto/locales cannot be read: {error}.") from error
    for message in catalogue:
        if not message.id:  # the header
            continue
        ids, strings = _forms(message.id), _forms(message.string)
        for string in strings if all(strings) else ():
            if set(_MARKS.findall(string)) != set(_MARKS.findall(ids[-1])):
                raise TemplateBroken(f"The translation {string!r} has other placeholders than {ids[-1]!r}.")
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    found = GNUTranslations(compiled)
    found.add_fallback(_Missing())
    return found


class _Missing(NullTranslations):
    def gettext(self, message: str) -> str:
        raise TemplateBroken(f"quarto/locales has no translation of {message!r}: a report must not mix languages.")

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1)


def _forms(text: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())
