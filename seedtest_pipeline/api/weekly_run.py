"""How far the weekly run has come, for `/metrics`: told by the API, since it is there when Dagster is not.

What was read last is told on where the database is away: a week's instant grows old by itself.
"""

import logging
import math
import time

from resources.database.engine import transaction
from resources.database.queries.reports import reported_weeks
from resources.errors import SeedtestError
from seedtest_pipeline.api.readiness import OwnThread
from seedtest_pipeline.api.service import Service

_log = logging.getLogger(__name__)

# Weeks are made once a week, and Prometheus asks every few seconds.
_GOOD_FOR_S = 60.0
_WAITS_S = 0.2  # for a database that may hang; a read that takes longer is in the next scrape


class WeeklyRun:
    """Reads into the service's metrics."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._reading = OwnThread("weekly run", self._read)
        self._read_at = -math.inf

    async def refresh(self) -> None:
        """Up to date to a minute, or what was known: `/metrics` does not fail with the database."""
        if time.monotonic() - self._read_at < _GOOD_FOR_S:
            return
        try:
            await self._reading.run(_WAITS_S)
            self._read_at = time.monotonic()
        except (SeedtestError, TimeoutError) as error:
            _log.warning("the weekly run's metrics are of earlier", extra={"reason": str(error) or "no answer yet"})

    def _read(self) -> None:
        with transaction(self._service.engine) as connection:
            newest, outdated = reported_weeks.newest(connection), reported_weeks.outdated(connection)
        metrics = self._service.metrics
        metrics.newest_week.set(newest.begins_at.timestamp() if newest else 0)
        metrics.outdated_keys.set(sum(map(len, outdated.values())))
