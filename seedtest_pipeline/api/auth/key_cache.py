"""The identity provider's keys, at hand: a request reads a dictionary, and a task of its own keeps that fresh.

The keys are fetched anew every `fresh_s`, so a revoked key is refused after that. While the provider fails, the keys
known last are good for `stale_s`, and it is tried again every `cool_down_s`; a document without a usable key is such a
failure, since a provider that revokes its keys shows new ones. A key id that nobody knows may be a new key: it has the
document fetched at once, by one request for all, and not within `cool_down_s` of the last try. So does a signature that
a known key did not make: it may be by a new key under the old one's id.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jwt

from resources.errors import KeysUnavailable
from seedtest_pipeline.api.auth.jwks import Keys, parse
from seedtest_pipeline.api.auth.key_source import KeySource, NoDocument

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ages:
    """In seconds. `stale_s` weighs a provider's outage against a key stolen while it lasts."""

    fresh_s: float = 300.0
    stale_s: float = 3600.0
    cool_down_s: float = 10.0


class KeyCache:
    """Lives in one event loop, between `start` and `aclose`. `on_fetch` hears of each try whether it brought keys."""

    def __init__(
        self, source: KeySource, ages: Ages | None = None, on_fetch: Callable[[bool], None] = lambda _: None
    ) -> None:
        self._source = source
        self._ages = ages or Ages()
        self._on_fetch = on_fetch
        self._keys: Keys = {}  # replaced whole, never changed: who reads it needs no lock
        self._fetched_at: float | None = None  # on the monotonic clock, as the next
        self._tried_at = -math.inf
        self._failure: str | None = None  # of the last try
        self._flight: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._keeper = asyncio.create_task(self._keep_fresh(), name="keep the provider's keys fresh")

    async def find(self, kid: str, algorithm: str) -> Sequence[jwt.PyJWK]:
        """The keys of this id, of which there is mostly one; none where the provider has no such key.

        Raises:
            KeysUnavailable: the provider fails, so this may be a key of its that we do not know.
        """
        keys = self._current().get((kid, algorithm)) or await self.find_anew(kid, algorithm)
        if not keys and self._failure is not None:
            raise KeysUnavailable("The identity provider does not answer now, so this token cannot be judged.")
        return keys

    async def find_anew(self, kid: str, algorithm: str) -> Sequence[jwt.PyJWK]:
        """The keys of this id in a document fetched now; none where it is too early for that, or it fails."""
        if self._failure is not None or time.monotonic() - self._tried_at < self._ages.cool_down_s:
            return ()
        await self._refresh()
        return () if self._failure is not None else self._current().get((kid, algorithm), ())

    def check(self) -> str:
        """Raises:
        KeysUnavailable: no keys, or only such as are too old.
        """
        if self._fetched_at is None:
            raise KeysUnavailable(
                f"No keys yet from {self._source}: {self._failure or 'not answered yet'}.", where=self._source
            )
        if not (keys := self._current()):
            raise KeysUnavailable(f"Keys from {self._source} are too old: {self._failure}.", where=self._source)
        outage = f"; it fails: {self._failure}" if self._failure else ""
        return f"{len(keys)} keys from {self._source}, {time.monotonic() - self._fetched_at:.0f} s old{outage}"

    async def aclose(self) -> None:
        tasks = [task for task in (self._keeper, self._flight) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._source.aclose()

    def _current(self) -> Keys:
        too_old = self._fetched_at is None or time.monotonic() - self._fetched_at > self._ages.stale_s
        return {} if too_old else self._keys

    async def _keep_fresh(self) -> None:
        while True:
            await self._refresh()
            pause_s = self._ages.fresh_s if self._failure is None else self._ages.cool_down_s
            await asyncio.sleep(pause_s * random.uniform(0.9, 1.0))  # noqa: S311 - so that workers do not come at once

    async def _refresh(self) -> None:
        """One try for all who wait; who gives up waiting does not end it."""
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._try(), name="fetch the provider's keys")
        await asyncio.shield(self._flight)

    async def _try(self) -> None:
        begun_at = time.monotonic()
        try:
            keys = parse(await self._source.read())
        except (NoDocument, ValueError) as error:
            if self._failure != str(error):
                _log.warning("No keys from %s: %s. Those known stay for a while.", self._source, error)
            self._failure = str(error)
        else:
            if self._failure is not None or self._fetched_at is None:
                _log.info("%d keys from %s", len(keys), self._source)
            self._keys, self._failure, self._fetched_at = keys, None, begun_at
        self._tried_at = time.monotonic()
        self._on_fetch(self._failure is None)
