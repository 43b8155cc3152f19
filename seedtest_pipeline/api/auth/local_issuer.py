"""`seedtest token`: an issuer of tokens for tries on one machine, with a key of its own in SEEDTEST_HOME.

It works against no other issuer: its name is fixed, and a server believes that name on loopback only
(`authenticators`).
"""

import json
import time
from collections.abc import Iterable
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from resources import atomic_file, private_folder
from resources.errors import InvalidInput
from seedtest_pipeline.settings import Settings

NAME = "urn:seedtest:local-tries"
_AUDIENCE = "seedtest"


def settings_for(home: Path) -> dict[str, str]:
    """What a server has to be set to, to believe these tokens."""
    return {"JWKS_URL": _jwks(home).as_uri(), "JWT_ISS": NAME, "JWT_AUD": _AUDIENCE}


def token(settings: Settings, subject: str, scopes: Iterable[str], ttl_s: int) -> str:
    """A token that is valid for `ttl_s` seconds; the first one makes the key and its JWKS document.

    Raises:
        InvalidInput: the settings name another issuer.
    """
    for name, ours in settings_for(settings.home).items():
        if (given := getattr(settings, name.lower())) not in (None, ours):
            raise InvalidInput(
                f"{name} is {given}: `seedtest token` makes tokens for tries on one machine, and no other issuer's.",
                remedy=f"Ask that one for a token, or set {name}={ours}",
            )
    now = int(time.time())
    claims = {"iss": NAME, "aud": _AUDIENCE, "sub": subject, "iat": now, "exp": now + ttl_s, "scope": " ".join(scopes)}
    key = _key(settings.home)
    return jwt.encode(claims, key, "ES256", {"kid": str(_public(key)["kid"])})


def _jwks(home: Path) -> Path:
    return home / "token" / "jwks.json"


def _key(home: Path) -> ec.EllipticCurvePrivateKey:
    """This home's key; of two processes that make one at once, one wins for both."""
    document = _jwks(home)
    path = document.with_name("private.pem")
    if not path.exists():
        private_folder.make(document.parent)
        atomic_file.create(path, _pem(ec.generate_private_key(ec.SECP256R1())), mode=0o600)
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except ValueError:
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InvalidInput(
            f"{path} holds no key for tokens",
            where=path,
            remedy="delete it, and the next `seedtest token` makes a new one.",
        )
    atomic_file.write(document, json.dumps({"keys": [_public(key)]}).encode(), mode=0o600)
    return key


def _public(key: ec.EllipticCurvePrivateKey) -> dict[str, object]:
    """With an id that no other key has: a server that knows the one before looks for a new key at once."""
    jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**jwk, "kid": jwk["x"], "alg": "ES256", "use": "sig"}


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
