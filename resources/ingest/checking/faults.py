"""Mistakes in a file, all of them at once: the first twenty with their places, and how many there are of each kind.

A mistake is one sentence that names the file, the row (in CSV the line that an editor shows), the column, the value and
the remedy.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from resources.errors import InvalidInput

SHOWN = 20
NOTHING_LOADED = "Nothing was loaded."


@dataclass(frozen=True, order=True)
class Mistake:
    """`file` and `place` in it put mistakes in order; `where` is the place in words, without the file where it is none
    of one row."""

    file: int
    place: int
    where: str
    what: str
    remedy: str | None = None

    def as_error(self) -> InvalidInput:
        return InvalidInput(self.what, where=self.where, remedy=self.remedy, outcome=NOTHING_LOADED)


class Faults:
    """What is wrong with one load; `kind` says it without the value, so that alike mistakes are counted together."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._counts: Counter[str] = Counter()
        self._first: dict[str, list[Mistake]] = {}

    def add(self, kind: str, n: int, mistakes: Iterable[Mistake]) -> None:
        """`n` more of this kind, which come in the order of the file; only the first twenty of a kind are taken."""
        self._counts[kind] += n
        known = self._first.setdefault(kind, [])
        if len(known) < SHOWN:
            known.extend(mistake for mistake, _ in zip(mistakes, range(SHOWN - len(known)), strict=False))

    @property
    def total(self) -> int:
        return self._counts.total()

    def check(self) -> None:
        """Raises InvalidInput with all of them, if there are any."""
        if not self.total:
            return
        first = sorted(mistake for known in self._first.values() for mistake in known)[:SHOWN]
        if self.total == 1:
            raise first[0].as_error()
        lines = [str(InvalidInput(mistake.what, where=mistake.where, remedy=mistake.remedy)) for mistake in first]
        head = f"{self._name} has {self.total:,} mistakes"
        if self.total > SHOWN:
            lines += ["By kind:", *(f"{n:,} × {kind}" for kind, n in self._counts.most_common())]
            head += f". The first {SHOWN}"
        text = "\n  ".join([f"{head}:", *lines])
        raise InvalidInput(f"{text}\n{NOTHING_LOADED}", where=self._name)
