"""A JWKS document -> the keys that may verify tokens. Source: RFC 7517, RFC 7518, RFC 8037, RFC 9864."""

import functools
import logging
from collections.abc import Mapping, Sequence
from typing import Annotated

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from pydantic import BaseModel, Field, ValidationError

_log = logging.getLogger(__name__)

# By the kind of key, what it may say that it is for; the first where it does not say. A token chooses nothing.
_ALGORITHMS = {
    ("RSA", None): ("RS256", "PS256"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("OKP", "Ed25519"): ("EdDSA", "Ed25519"),
}
ALGORITHMS = frozenset(name for names in _ALGORITHMS.values() for name in names)
# RFC 9864 gives the one curve of EdDSA in use a name of its own: tokens of a key bear the old or the new one.
_SAME = {"EdDSA": ("EdDSA", "Ed25519"), "Ed25519": ("EdDSA", "Ed25519")}
# Shorter ones can be broken (NIST SP 800-131A); verifying with longer ones takes milliseconds.
_RSA_BITS = range(2048, 8192 + 1)
_KEYS_OF_AN_ID = 4  # each is tried with each token that no other of them signed
# Those of the paper's modulus for keys of 512 bits, which divides the moduli for longer ones.
_ROCA_PRIMES = [p for p in range(3, 168) if all(p % q for q in range(2, p))]
_PYJWT = {"Ed25519": "EdDSA"}  # what it calls the same

KeyId = Annotated[str, Field(min_length=1, max_length=255)]
"""Only ever looked up in a dictionary."""
Keys = Mapping[tuple[str, str], Sequence[jwt.PyJWK]]
"""By key id and algorithm; an id may be given to several keys, as where servers of one provider differ."""


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
    """The usable keys of a document; the others are logged and do not spoil them.

    Raises:
        ValueError: this is no JWKS document, or none of its keys is usable.
    """
    try:
        entries = _Document.model_validate_json(document).keys
    except ValidationError as error:
        raise ValueError("not a JWKS document") from error
    keys: dict[tuple[str, str], list[jwt.PyJWK]] = {}
    for position, entry in enumerate(entries):
        try:
            kid, algorithm, key = _key(entry)
        except _Unusable as reason:
            _log.info("Key %d of the JWKS document is not used: %s", position, reason)
            continue
        for name in _SAME.get(algorithm, (algorithm,)):
            of_id = keys.setdefault((kid, name), [])
            if len(of_id) < _KEYS_OF_AN_ID:
                of_id.append(key)
            else:
                _log.info("Key %d of the JWKS document is not used: too many have its id", position)
    if not keys:
        raise ValueError("it offers no usable key")
    return keys


def _key(entry: object) -> tuple[str, str, jwt.PyJWK]:
    """Id, algorithm and key.

    Raises:
        _Unusable: this key does not verify signatures of ours.
    """
    try:
        jwk = _Jwk.model_validate(entry)
    except ValidationError as error:
        fault = error.errors()[0]
        raise _Unusable(f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}") from error
    allowed = _ALGORITHMS.get((jwk.kty, jwk.crv), ())
    algorithm = jwk.alg or next(iter(allowed), None)
    if algorithm is None or algorithm not in allowed:
        raise _Unusable("its type, curve or algorithm is none of RS256, PS256, ES256, ES384 and EdDSA (Ed25519)")
    if jwk.use != "sig" or "verify" not in jwk.key_ops:
        raise _Unusable("it is not for signatures")
    if jwk.d is not None:
        raise _Unusable("it is a private key, which everybody can read there")
    try:
        numbers = jwk.model_dump(include={"kty", "crv", "n", "e", "x", "y"}, exclude_none=True)
        key = jwt.PyJWK(numbers, _PYJWT.get(algorithm, algorithm))
    except jwt.PyJWTError as error:
        raise _Unusable("its numbers make no key") from error
    if isinstance(key.key, RSAPublicKey) and key.key.key_size not in _RSA_BITS:
        raise _Unusable(f"RSA with {key.key.key_size} bits")
    if isinstance(key.key, RSAPublicKey) and _is_roca(key.key.public_numbers().n):
        raise _Unusable("its private key can be computed from it (ROCA, CVE-2017-15361)")
    return jwk.kid, algorithm, key


def _is_roca(modulus: int) -> bool:
    """Whether a broken generator of smart cards made it: it is a power of 65537 modulo each of these primes, as one in
    10^8 others.

    Source: Nemec et al. (2017), The return of Coppersmith's attack, CCS '17.
    """
    return all(modulus % prime in powers for prime, powers in _roca_powers().items())


@functools.cache
def _roca_powers() -> dict[int, set[int]]:
    return {prime: {pow(65537, k, prime) for k in range(prime)} for prime in _ROCA_PRIMES}
