"""A JWKS document -> the keys that may verify tokens. Source: RFC 7517, RFC 7518, RFC 8037."""

import logging
from collections.abc import Mapping
from typing import Annotated

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from pydantic import BaseModel, Field, ValidationError

_log = logging.getLogger(__name__)

# One algorithm per kind of key, whatever a token says of itself.
_ALGORITHM = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
ALGORITHMS = frozenset(_ALGORITHM.values())
# Shorter ones can be broken (NIST SP 800-131A); verifying with longer ones takes milliseconds.
_RSA_BITS = range(2048, 8192 + 1)

KeyId = Annotated[str, Field(min_length=1, max_length=255)]
"""Only ever looked up in a dictionary."""
Keys = Mapping[tuple[str, str], jwt.PyJWK]
"""By key id and algorithm."""


class _Document(BaseModel):
    keys: list[object]


class _Jwk(BaseModel):
    kty: str
    kid: KeyId
    crv: str | None = None
    alg: str | None = None
    use: str = "sig"
    key_ops: list[str] = ["verify"]
    n: str | None = None
    e: str | None = None
    x: str | None = None
    y: str | None = None
    d: object = None


class _Unusable(Exception):  # noqa: N818 - an outcome inside this module
    """Why one key of a document cannot verify tokens."""


def parse(document: bytes) -> Keys:
    """The usable keys of a document; the others are logged and do not spoil them. There may be none.

    Raises:
        ValueError: this is no JWKS document.
    """
    try:
        entries = _Document.model_validate_json(document).keys
    except ValidationError as error:
        raise ValueError("not a JWKS document") from error
    keys: dict[tuple[str, str], jwt.PyJWK] = {}
    for position, entry in enumerate(entries):
        try:
            kid, key = _key(entry)
        except _Unusable as reason:
            _log.info("Key %d of the JWKS document is not used: %s", position, reason)
            continue
        keys.setdefault((kid, key.algorithm_name), key)
    return keys


def _key(entry: object) -> tuple[str, jwt.PyJWK]:
    """Raises:
    _Unusable: this key does not verify signatures of ours.
    """
    try:
        jwk = _Jwk.model_validate(entry)
    except ValidationError as error:
        fault = error.errors()[0]
        raise _Unusable(f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}") from error
    algorithm = _ALGORITHM.get((jwk.kty, jwk.crv))
    if algorithm is None or jwk.alg not in (None, algorithm):
        raise _Unusable("its type, curve or algorithm is none of RS256, ES256 (P-256) and EdDSA (Ed25519)")
    if jwk.use != "sig" or "verify" not in jwk.key_ops:
        raise _Unusable("it is not for signatures")
    if jwk.d is not None:
        raise _Unusable("it is a private key, which everybody can read there")
    try:
        key = jwt.PyJWK(jwk.model_dump(include={"kty", "crv", "n", "e", "x", "y"}, exclude_none=True), algorithm)
    except jwt.PyJWTError as error:
        raise _Unusable("its numbers make no key") from error
    if isinstance(key.key, RSAPublicKey) and key.key.key_size not in _RSA_BITS:
        raise _Unusable(f"RSA with {key.key.key_size} bits")
    return jwk.kid, key
