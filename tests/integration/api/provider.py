"""An identity provider: it signs tokens, and its server, a process of its own, can stall, lie and die."""

import base64
import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://id.example"
AUDIENCE = "seedtest"
MAKE_KEY = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}
_TO_JWK = {"RS256": RSAAlgorithm.to_jwk, "ES256": ECAlgorithm.to_jwk, "EdDSA": OKPAlgorithm.to_jwk}


class Provider:
    """`keys` are the private ones by key id; `publish` shows their public halves."""

    def __init__(self, keys: Mapping[str, Any] | None = None) -> None:
        self.keys = dict(keys or {"es": MAKE_KEY["ES256"]()})
        self._process = self._started()
        self.publish()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwks.json"

    @property
    def fetches(self) -> int:
        return int(httpx.get(f"http://127.0.0.1:{self.port}/fetches", trust_env=False).text)

    def token(self, kid: str = "es", headers: Mapping[str, object] | None = None, **claims: object) -> str:
        """A token like the provider's own, but for the claims given; a claim of None is left out."""
        key = self.keys[kid]
        return jwt.encode(good_claims(**claims), key, algorithm_of(key), {"kid": kid, **(headers or {})})

    def publish(self, *more: object) -> None:
        self.say(json.dumps({"keys": [*(public_jwk(kid, key) for kid, key in self.keys.items()), *more]}).encode())

    def rotate(self, old: str, new: str) -> None:
        """`new` signs from now on, and `old` is no longer published."""
        self.keys = {new: MAKE_KEY[algorithm_of(self.keys[old])]()}
        self.publish()

    def say(self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None, drip_s: float = 0) -> None:
        told = {
            "status": status,
            "headers": dict(headers or {}),
            "body": base64.b64encode(body).decode(),
            "drip_s": drip_s,
        }
        httpx.put(f"http://127.0.0.1:{self.port}/", json=told, trust_env=False).raise_for_status()

    def freeze(self) -> None:
        """It takes connections and says nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def revive(self) -> None:
        """On the port that it had."""
        self._process = self._started(self.port)
        self.publish()

    def _started(self, *port: int) -> subprocess.Popen[str]:
        server = Path(__file__).with_name("provider_process.py")
        process = subprocess.Popen([sys.executable, server, *map(str, port)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        self.port = int(process.stdout.readline())
        return process

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def good_claims(**changed: object) -> dict[str, object]:
    now = int(time.time())
    claims = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "u1", "iat": now, "exp": now + 600, "scope": "exam:write", **changed
    }  # fmt: skip
    return {name: value for name, value in claims.items() if value is not None}


def algorithm_of(key: object) -> str:
    kinds = {rsa.RSAPrivateKey: "RS256", ec.EllipticCurvePrivateKey: "ES256", ed25519.Ed25519PrivateKey: "EdDSA"}
    return next(algorithm for kind, algorithm in kinds.items() if isinstance(key, kind))


def public_jwk(kid: str, key: Any) -> dict[str, object]:
    algorithm = algorithm_of(key)
    to_jwk: Any = _TO_JWK[algorithm]
    return {**to_jwk(key.public_key(), as_dict=True), "kid": kid, "alg": algorithm, "use": "sig"}
