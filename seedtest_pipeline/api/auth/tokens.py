"""A signed token -> who sent it, or why it is not believed. Source: RFC 7515, RFC 7519, RFC 8725, RFC 9068.

What a token says of its own keys (jku, jwk, x5u, x5c) is never looked at. PyJWT checks the signature. The token is
parsed here (docs/decisions/0037).
"""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import jwt
from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from seedtest_pipeline.api.auth.caller import Caller
from seedtest_pipeline.api.auth.claims import ClaimNames, Unreadable
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
    exp: FiniteFloat
    iat: FiniteFloat
    nbf: FiniteFloat = 0.0


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
    """Whose tokens are believed, what they have to be made for, and which claims say so."""

    name: str
    audience: str
    claims: ClaimNames = field(default_factory=ClaimNames)

    def caller(self, token: Token, now: float) -> Caller:
        """Who a token speaks for whose signature is right, at `now` (seconds since 1970).

        Raises:
            NotBelieved: a claim is missing, unreadable or not as it has to be.
        """
        payload = _object(token.payload)
        try:
            claims = _Claims.model_validate(payload)
            audiences, subject = self.claims.audiences_of(payload), self.claims.subject_of(payload)
            scopes = self.claims.scopes_of(payload)
        except ValidationError as error:
            _refuse("claim", error)
        except Unreadable as name:
            raise NotBelieved(f"claim {name}: missing, or not readable") from None
        if claims.iss != self.name:
            raise NotBelieved("it is of another issuer")
        if self.audience not in audiences:
            raise NotBelieved("it is for another audience")
        if claims.exp <= now - _LEEWAY_S:
            raise NotBelieved("it is expired")
        if max(claims.iat, claims.nbf) > now + _LEEWAY_S:
            raise NotBelieved("it is not valid yet")
        return Caller(subject, scopes)


def is_signed(token: Token, keys: Sequence[jwt.PyJWK]) -> bool:
    """Whether one of these keys made the token's signature."""
    return any(key.Algorithm.verify(token.signed, key.key, _bytes(token.signature)) for key in keys)


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
        value = _decode(_bytes(segment).decode())
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


_decode = json.JSONDecoder(object_pairs_hook=_without_duplicates).decode


def _refuse(where: str, error: ValidationError) -> NoReturn:
    first = error.errors(include_input=False, include_url=False)[0]
    raise NotBelieved(f"{where} {first['loc'][0]}: {first['msg']}") from error
