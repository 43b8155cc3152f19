"""What a check comes to: a level, a sentence that says what to do, and the numbers behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

NAMED = 20  # learners or partitions that a finding names; its counts are always whole


@dataclass(frozen=True)
class Finding:
    """`sentence` says what is wrong and what to do, or what was found to be right."""

    level: Literal["passed", "warning", "failed"]
    sentence: str
    numbers: Mapping[str, int | float | str] = field(default_factory=dict)


def named(names: Sequence[object]) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(str(name)[:80] for name in names[:NAMED]) + more
