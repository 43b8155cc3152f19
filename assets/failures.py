"""How an asset fails: by the error's own sentence, and again only where waiting helps.

The one place that turns the tree of `resources.errors` into Dagster's terms.
"""

import functools
import random
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import dagster as dg

from resources.errors import RetryLater, SeedtestError

# Waits of about 10, 30 and 90 s: a database's failover or a service's restart fits in, and nobody waits for an hour.
MAX_RETRIES = 3
_FIRST_WAIT_S = 10.0
_GROWTH = 3.0
_JITTER = 0.25  # runs that lost the same service do not all come back in the same second

# Whether Dagster tries the whole run again, later than a step may wait: dagster.yaml says how often.
_RETRY_RUN = "dagster/retry_on_asset_or_op_failure"

# On a run that a person waits for: they are told at once, and decide themselves when to try again.
ATTENDED = "seedtest/attended"

_P = ParamSpec("_P")
_R = TypeVar("_R")


def in_words(compute: Callable[_P, _R]) -> Callable[_P, _R]:
    """The asset's function, whose SeedtestErrors become what Dagster shows and acts on.

    Raises:
        dg.RetryRequested: for RetryLater, unless the run is attended; after the last one the run is tried again.
        dg.Failure: for every other SeedtestError; its description is the error's sentence, its metadata are the
            error's fields; it is not tried again.
    """

    @functools.wraps(compute)
    def made(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return compute(*args, **kwargs)
        except SeedtestError as error:
            failure = dg.Failure(str(error), metadata=error.fields, allow_retries=False)
            context = dg.OpExecutionContext.get()
            passes_by_itself = isinstance(error, RetryLater) and ATTENDED not in context.run.tags
            if not passes_by_itself or context.retry_number == MAX_RETRIES:
                context.instance.add_run_tags(context.run_id, {_RETRY_RUN: str(passes_by_itself).lower()})
            if passes_by_itself:
                raise dg.RetryRequested(MAX_RETRIES, _wait_s(context.retry_number)) from failure
            raise failure from None  # the sentence says it all; a traceback beneath would only bury it

    return made


def _wait_s(retries_before: int) -> float:
    jitter = random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret
    wait: float = _FIRST_WAIT_S * _GROWTH**retries_before * jitter
    return wait
