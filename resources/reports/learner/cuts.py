"""Cut scores: where performance levels with names of their own begin, in points of the score scale."""

from dataclasses import dataclass
from itertools import pairwise

from resources.errors import InvalidInput

LONGEST = 40  # characters: a name stands in a sentence and in the large figures
EXAMPLE = "Basic,400,Proficient,600,Advanced"


@dataclass(frozen=True)
class Cuts:
    """`names` of the performance levels from the lowest up; `points[k]` is the score at which `names[k + 1]` begins."""

    names: tuple[str, ...]
    points: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.points or len(self.names) != len(self.points) + 1:
            raise InvalidInput(
                f"There are {len(self.names)} names of performance levels and {len(self.points)} cut scores",
                remedy=f"write a cut score between each two names, such as {EXAMPLE}.",
            )
        if len(set(self.names)) < len(self.names):
            raise InvalidInput("Two performance levels have the same name", remedy="give each a name of its own.")
        for one in self.names:
            if not one or len(one) > LONGEST or not one.isprintable():
                raise InvalidInput(
                    f"{one!r} cannot be the name of a performance level",
                    remedy=f"use 1 to {LONGEST} characters that can be printed.",
                )
        for low, high in pairwise(self.points):
            if low >= high:
                raise InvalidInput(
                    f"The cut score {high} stands after {low}", remedy="order the levels from the lowest up."
                )

    @classmethod
    def parse(cls, text: str) -> "Cuts":
        """Names and cut scores by turns, as they lie on the scale: `Basic,400,Proficient,600,Advanced`.

        Raises:
            InvalidInput: it is something else; the message says what to write.
        """
        parts = [part.strip() for part in text.split(",")]
        try:
            points = tuple(map(int, parts[1::2]))
        except ValueError as error:
            raise InvalidInput(
                "A cut score is no whole number", remedy=f"write names and cut scores by turns, such as {EXAMPLE}."
            ) from error
        return cls(tuple(parts[::2]), points)
