"""Tokens as a forger makes them: every part chosen by hand."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization

from tests.integration.api.provider import Provider, algorithm_of, good_claims

Sign = Callable[[bytes], bytes]


def sealed(header: object, payload: object, sign: Sign) -> str:
    """Header, payload (bytes go in as they are, all else as JSON) and the signature over both."""
    signed = b".".join(map(segment, (header, payload)))
    return b".".join((signed, segment(sign(signed)))).decode()


def segment(part: object) -> bytes:
    return base64.urlsafe_b64encode(part if isinstance(part, bytes) else json.dumps(part).encode()).rstrip(b"=")


def by(key: Any, algorithm: str | None = None) -> Sign:
    return lambda signed: jwt.get_algorithm_by_name(algorithm or algorithm_of(key)).sign(signed, key)


def by_secret(secret: bytes, digest: str = "sha256") -> Sign:
    return lambda signed: hmac.digest(secret, signed, getattr(hashlib, digest))


def public_pem(key: Any) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))


def with_header(provider: Provider, **changed: object) -> str:
    """Signed by the provider's own key, with this header; None leaves a name out."""
    header = {"alg": "ES256", "kid": "es", "typ": "JWT", **changed}
    return sealed(
        {name: value for name, value in header.items() if value is not None}, good_claims(), by(provider.keys["es"])
    )


def with_payload(provider: Provider, payload: object) -> str:
    """Signed by the provider's own key, with this payload."""
    return sealed({"alg": "ES256", "kid": "es"}, payload, by(provider.keys["es"]))


def twice(name: str, first: object, second: object, rest: dict[str, object]) -> bytes:
    """A JSON object in which a name stands twice."""
    pairs = [(name, first), (name, second), *((other, value) for other, value in rest.items() if other != name)]
    return ("{" + ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in pairs) + "}").encode()
