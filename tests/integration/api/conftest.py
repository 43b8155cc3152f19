"""An identity provider with one key of each kind; an authenticator that trusts it, for tests without an event loop of
their own; and the whole API on a database of the test's own."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from resources.estimators.contract import Estimator
from seedtest_pipeline.api.auth.authenticators import TokenAuthenticator
from seedtest_pipeline.api.auth.caller import Authenticator, Caller
from seedtest_pipeline.api.auth.key_cache import Ages, KeyCache
from seedtest_pipeline.api.auth.key_source import key_source
from seedtest_pipeline.api.auth.tokens import Issuer
from seedtest_pipeline.settings import Settings
from tests.integration.api.provider import AUDIENCE, ISSUER, MAKE_KEY, Provider
from tests.integration.api.raw_http import Here, patient_for_a_second
from tests.integration.api.serving import serving
from tests.waiting import PATIENCE_S


@dataclass
class SyncAuthenticator:
    """A TokenAuthenticator for plain test functions: its event loop runs only inside these methods."""

    inner: TokenAuthenticator
    loop: asyncio.Runner
    fetched: list[bool] = field(default_factory=list)

    def authenticate(self, token: str) -> Caller:
        return self.authenticate_header(f"Bearer {token}")

    def authenticate_header(self, authorization: str | None) -> Caller:
        return self.loop.run(self.inner.authenticate(authorization))

    def wait(self, seconds: float) -> None:
        self.loop.run(asyncio.sleep(seconds))

    def wait_for(self, *outcomes: bool) -> None:
        """Until the next fetches end so, in this order, with any others between them."""
        seen = len(self.fetched)
        for outcome in outcomes:
            deadline = time.monotonic() + PATIENCE_S
            while outcome not in self.fetched[seen:]:
                assert time.monotonic() < deadline, f"no fetch was {outcome}: {self.fetched[seen:]}"
                self.wait(0.02)
            seen = self.fetched.index(outcome, seen) + 1

    def close(self) -> None:
        self.loop.run(self.inner.aclose())


StartAuthenticator = Callable[..., SyncAuthenticator]


@pytest.fixture
def start_authenticator() -> Iterator[StartAuthenticator]:
    with ExitStack() as closing:

        def make(url: str, ages: Ages | None = None, issuer: str = ISSUER) -> SyncAuthenticator:
            loop = closing.enter_context(asyncio.Runner())
            fetched: list[bool] = []
            keys = KeyCache(key_source(url), ages, fetched.append)
            authenticator = SyncAuthenticator(TokenAuthenticator(Issuer(issuer, AUDIENCE), keys), loop, fetched)
            loop.run(authenticator.inner.start())
            closing.callback(authenticator.close)
            return authenticator

        yield make


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """One for all tests of a file that leave it as it is."""
    with Provider({"rs": MAKE_KEY["RS256"](), "es": MAKE_KEY["ES256"](), "ed": MAKE_KEY["EdDSA"]()}) as provider:
        yield provider


@pytest.fixture
def own_provider() -> Iterator[Provider]:
    """One for a test that mistreats it."""
    with Provider() as provider:
        yield provider


@pytest.fixture
def authenticator(provider: Provider, start_authenticator: StartAuthenticator) -> SyncAuthenticator:
    return start_authenticator(provider.url)


Serve = Callable[..., httpx.Client]


@pytest.fixture
def serve(database_url: str, tmp_path: Path) -> Iterator[Serve]:
    """Serves the API with these settings until the test ends; by default no token is asked for."""
    with ExitStack() as closing:

        def serve(
            *, authenticator: Authenticator | None = None, estimator: Estimator | None = None, **given: object
        ) -> httpx.Client:
            defaults = {"seedtest_home": tmp_path, "database_url": database_url, "local_dev": authenticator is None}
            settings = Settings.load(**{**defaults, **given})
            url = closing.enter_context(serving(settings, authenticator, estimator))
            return closing.enter_context(httpx.Client(base_url=url, timeout=PATIENCE_S, trust_env=False))

        yield serve


@pytest.fixture
def api(serve: Serve) -> httpx.Client:
    return serve()


@pytest.fixture(scope="module")
def here() -> Iterator[Here]:
    with patient_for_a_second() as here:
        yield here
