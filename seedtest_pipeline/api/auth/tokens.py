"""A signed token -> who sent it, or why it is not believed. Source: RFC 7515, RFC 7519, RFC 8725, RFC 9068.

What a token says of its own keys (jku, jwk, x5u, x5c) is never looked at. PyJWT checks the signature. The token is
parsed here: PyJWT lets duplicate names pass, and needs twice as long for the whole.
"""

import base64
import json
import re
from dataclasses import dataclass
from typing import Annotated, NoReturn

import jwt
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from seedtest_pipeline.api.auth.caller import Caller
from seedtest_pipeline.api.auth.jwks import ALGORITHMS, KeyId

_LEEWAY_S = 30.0  # by so much may the provider's clock and ours differ
_LENGTH_LIMIT = 8192  # of the header's value; tokens of the large providers have 1 to 2 kB
_BEARER = re.compile(r"bearer +([\w-]+)\.([\w-]+)\.([\w-]+)", re.IGNORECASE | re.ASCII)
# Of the kinds of token that one provider signs, those that are for access: not a log-out or a security event.
_TYPES = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})


class NotBelieved(Exception):  # noqa: N818 - an outcome
    """Why, in words of ours only: it is for the log."""


class _Header(BaseModel):
    alg: str
    kid: KeyId
    typ: str = "JWT"


class _Claims(BaseModel):
    model_config = ConfigDict(strict=True)  # else a number in text would be one

    iss: str
    aud: str | list[str]
    sub: Annotated[str, Field(min_length=1, max_length=255)]  # the length that OpenID Connect allows
    exp: FiniteFloat
    iat: FiniteFloat
    nbf: FiniteFloat = 0.0
    scope: str | list[str] = ""
    scp: str | list[str] = ""
    scopes: str | list[str] = ""


@dataclass(frozen=True)
class Token:
    """Parsed; nothing of it is believed yet."""

    kid: str
    algorithm: str
    signed: bytes
    payload: str
    signature: str


@dataclass(frozen=True)
class Issuer:
    """Whose tokens are believed, and what they have to be made for."""

    name: str
    audience: str

    def caller(self, token: Token, key: jwt.PyJWK | None, now: float) -> Caller:
        """Who the token speaks for, at `now` (seconds since 1970); `key` is the one that it names.

        Raises:
            NotBelieved: the signature is not by this key, or a claim is missing, unreadable or not as it has to be.
        """
        if key is None:
            raise NotBelieved("its key is none of the provider's")
        if not key.Algorithm.verify(token.signed, key.key, _bytes(token.signature)):
            raise NotBelieved("the signature is wrong")
        try:
            claims = _Claims.model_validate(_object(token.payload))
        except ValidationError as error:
            _refuse("claim", error)
        if claims.iss != self.name:
            raise NotBelieved("it is of another issuer")
        if self.audience not in ([claims.aud] if isinstance(claims.aud, str) else claims.aud):
            raise NotBelieved("it is for another audience")
        if claims.exp <= now - _LEEWAY_S:
            raise NotBelieved("it is expired")
        if max(claims.iat, claims.nbf) > now + _LEEWAY_S:
            raise NotBelieved("it is not valid yet")
        return Caller(claims.sub, _scopes(claims.scope) | _scopes(claims.scp) | _scopes(claims.scopes))


def parse_bearer(authorization: str) -> Token:
    """The token in an Authorization header's value.

    Raises:
        NotBelieved: there is no well-formed token that one of our algorithms and a named key could have signed.
    """
    if len(authorization) > _LENGTH_LIMIT:
        raise NotBelieved("it is too long")
    found = _BEARER.fullmatch(authorization)
    if found is None:
        raise NotBelieved("it is no token")
    header, payload, signature = found.groups()
    named = _object(header)
    if "crit" in named:
        raise NotBelieved("its header asks for an extension")
    try:
        head = _Header.model_validate(named)
    except ValidationError as error:
        _refuse("header", error)
    if head.alg not in ALGORITHMS:
        raise NotBelieved("its algorithm is none of ours")
    if head.typ.lower() not in _TYPES:
        raise NotBelieved("it is not for access")
    return Token(head.kid, head.alg, f"{header}.{payload}".encode(), payload, signature)


def _bytes(segment: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError as error:
        raise NotBelieved("a part of it is not base64") from error


def _object(segment: str) -> dict[str, object]:
    try:
        value = json.loads(_bytes(segment).decode(), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise NotBelieved("a part of it is not JSON") from error
    if not isinstance(value, dict):
        raise NotBelieved("a part of it is not a JSON object")
    return value


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Which of two equal names counts differs between readers, and a forger would use that."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise NotBelieved("a name stands twice in it")
    return value


def _scopes(value: str | list[str]) -> frozenset[str]:
    return frozenset(filter(None, value.split(" ")) if isinstance(value, str) else value)


def _refuse(where: str, error: ValidationError) -> NoReturn:
    first = error.errors(include_input=False, include_url=False)[0]
    raise NotBelieved(f"{where} {first['loc'][0]}: {first['msg']}") from error
