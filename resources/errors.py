"""The one tree of errors, by what the reader has to do: try again later, mend the data, or call a person.

A message is one or two sentences: what is wrong and where, then what to do next. A class of its own exists only where a
caller acts on it differently.
"""


class SeedtestError(Exception):
    """Anything that a user, an operator or another program can act on; shown without a traceback."""


class RetryLater(SeedtestError):  # noqa: N818 - the names say what to do
    """A service that this needs does not answer now; nothing is wrong with the data."""


class InvalidInput(SeedtestError):  # noqa: N818 - as above
    """What was given is wrong; the message names the place and the remedy. Nothing was changed."""


class OperatorRequired(SeedtestError):  # noqa: N818 - as above
    """Neither time nor better input mends this: somebody has to decide."""


class DatabaseUnavailable(RetryLater):
    """PostgreSQL refuses or drops the connection."""


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
