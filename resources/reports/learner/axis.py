"""Where values stand in a chart: a straight scale and round ticks, as numbers that SVG writes. Pure.

Stays out: what is drawn there, which the sections say, and how it looks, which stands in quarto/charts.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count


@dataclass(frozen=True, slots=True)
class Axis:
    """From `low` and `high`, which differ, in the data's unit, to `start` and `end` in units of the chart."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where `value` stands, to a tenth of a unit."""
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)


def ticks(low: float, high: float, most: int) -> range:
    """The whole numbers to write from `low` to `high`, in at most `most` steps of 1, 2 or 5 times a power of ten.

    Whole, since answers are counted and scores are rounded.

    >>> list(ticks(431.2, 612.5, 5)), list(ticks(0, 1, 4))
    ([450, 500, 550, 600], [0, 1])
    """
    step = next(step for step in _round_steps() if (high - low) / step <= most)
    return range(math.ceil(low / step) * step, math.floor(high / step) * step + 1, step)


def top(high: float, most: int) -> int:
    """The least end of an axis from 0 on which `high` lies and a tick stands, with `most` steps at most.

    >>> top(13, 4), top(0, 4)
    (15, 1)
    """
    step = next(step for step in _round_steps() if high / step <= most)
    return max(math.ceil(high / step), 1) * step


def path(points: Iterable[tuple[float, float]]) -> str:
    """A line through the points in order, as an SVG path has it."""
    return "M" + " ".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _round_steps() -> Iterator[int]:
    return (digit * 10**power for power in count() for digit in (1, 2, 5))
