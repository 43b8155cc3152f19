"""The one tree of errors, by what the reader has to do: try again later, mend the data, or call a person.

An error carries fields, and its sentence is made from them: nobody takes a message apart. A class of its own exists
only where a caller acts on it differently.
"""

from collections.abc import Mapping


class SeedtestError(Exception):
    """Anything that a user, an operator or another program can act on; shown without a traceback.

    `what` is wrong, such as "tests.csv is empty"; `where`: the file and line, the table, the service's address;
    `remedy`: what to do next; `outcome`: what became of the data, such as "Nothing was loaded." All but `what` may be
    missing. A `what` that ends with a full stop is a sentence of its own; otherwise a colon leads on to the remedy. A
    place that `what` names already is not said twice.
    """

    def __init__(
        self, what: str, *, where: object = None, remedy: str | None = None, outcome: str | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = None if where is None else str(where)
        self.remedy = remedy
        self.outcome = outcome

    @property
    def fields(self) -> Mapping[str, str]:
        """Those that are known, by name, and `error`, the class."""
        known = {"what": self.what, "where": self.where, "remedy": self.remedy, "outcome": self.outcome}
        return {"error": type(self).__name__} | {name: text for name, text in known.items() if text is not None}

    def __str__(self) -> str:
        sentence = self.what if self.where is None or self.where in self.what else f"{self.where}: {self.what}"
        for more in (self.remedy, self.outcome):
            if more is not None:
                sentence += f" {more}" if sentence.endswith((".", "?", "!")) else f": {more}"
        return sentence


class RetryLater(SeedtestError):  # noqa: N818 - the names say what to do
    """A service that this needs does not answer now; nothing is wrong with the data."""


class InvalidInput(SeedtestError):  # noqa: N818 - as above
    """What was given is wrong; `where` and `remedy` say how to mend it. Nothing was changed."""


class OperatorRequired(SeedtestError):  # noqa: N818 - as above
    """Neither time nor better input mends this: somebody has to decide."""


class DatabaseUnavailable(RetryLater):
    """PostgreSQL refuses or drops the connection."""


class StatementStopped(DatabaseUnavailable):
    """PostgreSQL is there, and stopped a statement that took too long: one about somebody else may not."""


class RowsHeld(StatementStopped):
    """It waited too long for rows, or for tables, that another one holds."""


class EstimatorUnavailable(RetryLater):
    """The estimator does not answer, or not within its time."""


class KeysUnavailable(RetryLater):
    """The identity provider's keys are not at hand: nobody can say whether a token is a good one."""


class NoItemBank(InvalidInput):
    """No item bank is in force: there is nothing to score with."""


class NotConverged(OperatorRequired):
    """A calibration ended without meeting its tolerance; the bank in force stays as it was."""


class TemplateBroken(OperatorRequired):
    """The report's document did not compile to a template that can be filled: no report can be made from it."""


class ReportBroken(OperatorRequired):
    """One finished report lacks what every report must have; it must not be shown, the others may."""


class StoreRefuses(OperatorRequired):
    """The artifact store takes nothing from this process, whatever the file: no bucket, a wrong key, no permission."""


class ArtifactMissing(InvalidInput):
    """No artifact stands under this key."""
