"""What a file calls its columns, and in which encoding it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from resources.errors import InvalidInput
from resources.ingest.faults import NOTHING_LOADED

REQUIRED = ("user_id", "session_id", "item_id", "correct", "answered_at")
OPTIONAL = ("response_time_ms", "topic", "attempt_no")
COLUMNS = (*REQUIRED, *OPTIONAL)


@dataclass(frozen=True)
class Layout:
    """`columns` maps our names to the file's; a column that is not in it has our name. No `encoding` is UTF-8.

    `topics_may_differ` where a file has a row for each skill of an answered item: the first counts.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    topics_may_differ: bool = False

    def found(self, header: Sequence[str], name: str) -> dict[str, str]:
        """Which of our columns the file `name` has, and what it calls them.

        Raises:
            InvalidInput: it is empty, lacks one, or has one twice.
        """
        if not any(header):
            raise InvalidInput(f"{name} is empty", where=name, remedy="export it anew.", outcome=NOTHING_LOADED)
        called = {ours: self.columns.get(ours, ours) for ours in COLUMNS}
        missing = [theirs for ours, theirs in called.items() if theirs not in header and self._needs(ours)]
        if missing:
            raise InvalidInput(
                f"{name} has no column {', '.join(missing)}; it has {', '.join(header)[:200]}. It "
                f"needs {', '.join(called[ours] for ours in REQUIRED)}; {', '.join(OPTIONAL)} may be there.",
                where=name,
                remedy="Another name is told by --map, such as --map item_id=question.",
                outcome=NOTHING_LOADED,
            )
        there = {ours: theirs for ours, theirs in called.items() if theirs in header}
        twice = [theirs for theirs in there.values() if header.count(theirs) > 1]
        if twice:
            raise InvalidInput(
                f"{name} has the column {twice[0]} twice", where=name, remedy="remove one.", outcome=NOTHING_LOADED
            )
        return there

    def _needs(self, ours: str) -> bool:
        """One that was mapped by name has to be there, too."""
        return ours in REQUIRED or ours in self.columns
