"""The two authenticators: for tokens of an identity provider, and for anybody on one machine. The settings choose."""

import logging
import time
from collections.abc import Callable

from resources.errors import InvalidInput
from seedtest_pipeline.api.auth import local_issuer, scopes
from seedtest_pipeline.api.auth.caller import Authenticator, Caller, Unauthenticated
from seedtest_pipeline.api.auth.claims import ClaimNames
from seedtest_pipeline.api.auth.key_cache import KeyCache
from seedtest_pipeline.api.auth.key_source import KeyFile, is_loopback, key_source
from seedtest_pipeline.api.auth.tokens import Issuer, NotBelieved, Token, is_signed, parse_bearer
from seedtest_pipeline.settings import Settings, set_by_environment

_log = logging.getLogger(__name__)


class TokenAuthenticator:
    """Whoever shows a token that the issuer signed for us."""

    def __init__(self, issuer: Issuer, keys: KeyCache) -> None:
        self._issuer = issuer
        self._keys = keys

    async def start(self) -> None:
        self._keys.start()

    async def authenticate(self, authorization: str | None) -> Caller:
        if authorization is None:
            raise Unauthenticated(None)
        try:
            token = parse_bearer(authorization)
            await self._require_signed(token)
            return self._issuer.caller(token, time.time())
        except NotBelieved as reason:
            raise Unauthenticated(f"the token is not believed: {reason}") from None

    async def _require_signed(self, token: Token) -> None:
        keys = await self._keys.find(token.kid, token.algorithm)
        if is_signed(token, keys):
            return
        if not is_signed(token, await self._keys.find_anew(token.kid, token.algorithm)):
            raise NotBelieved("the signature is wrong" if keys else "its key is none of the provider's")

    def check(self) -> str:
        return self._keys.check()

    async def aclose(self) -> None:
        await self._keys.aclose()


class LocalDevAuthenticator:
    """Everybody, with every right: who can reach this machine's loopback can read its files as well."""

    async def start(self) -> None:
        _log.warning("LOCAL_DEV=true: NO TOKEN IS ASKED FOR. Who reaches this port may read and update every user.")

    async def authenticate(self, authorization: str | None) -> Caller:
        return Caller("local-dev", frozenset({scopes.ANYBODY, scopes.UPDATE_OWN, scopes.READ_OWN}))

    def check(self) -> str:
        return "LOCAL_DEV=true: no token is asked for"

    async def aclose(self) -> None:
        pass


def make_authenticator(
    settings: Settings, host: str, on_fetch: Callable[[bool], None] = lambda _: None
) -> Authenticator:
    """The authenticator for a server that is bound to `host`.

    Raises:
        InvalidInput: the settings do not say who may call, or say it in two ways, or open more than this machine.
    """
    if settings.local_dev:
        if settings.jwks_url:
            raise InvalidInput(
                "LOCAL_DEV=true lets everybody in, and JWKS_URL asks for tokens", remedy="unset one of the two."
            )
        _require_this_machine("LOCAL_DEV=true lets everybody in", host)
        return LocalDevAuthenticator()
    if not (settings.jwks_url and settings.jwt_iss and settings.jwt_aud):
        names = ("jwks_url", "jwt_iss", "jwt_aud")
        missing = ", ".join(name.upper() for name in names if getattr(settings, name) is None)
        raise InvalidInput(
            "Nothing says whose tokens count",
            remedy=f"set {missing}. For tries on this machine, LOCAL_DEV=true asks for none.",
        )
    source = key_source(settings.jwks_url)
    if isinstance(source, KeyFile) or settings.jwt_iss == local_issuer.NAME:
        _require_this_machine("Tokens of `seedtest token` are for tries", host)
    claims = ClaimNames(
        settings.jwt_aud_claim, settings.jwt_sub_claim, settings.jwt_scope_claims, dict(settings.jwt_scopes or ())
    )
    for meaning in claims.meaning.values():
        if meaning not in scopes.ALL:
            raise InvalidInput(f"JWT_SCOPES names {meaning}, and the scopes are {', '.join(sorted(scopes.ALL))}.")
    return TokenAuthenticator(Issuer(settings.jwt_iss, settings.jwt_aud, claims), KeyCache(source, on_fetch=on_fetch))


def _require_this_machine(why: str, host: str) -> None:
    if set_by_environment("KUBERNETES_SERVICE_HOST"):
        raise InvalidInput(
            f"{why}, and this is Kubernetes", remedy="set JWKS_URL, JWT_ISS and JWT_AUD of an identity provider."
        )
    if not is_loopback(host):
        raise InvalidInput(f"{why}, and {host} can be reached from outside", remedy="bind to 127.0.0.1.")
