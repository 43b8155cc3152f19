"""Tokens as Keycloak, Auth0, Entra and Cognito make them, under the settings that docs/tokens.md gives for each.

Shapes: the providers' references of access tokens. Keys that their JWKS documents show have no or another `alg`.
"""

import asyncio
import json
import math
import re
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from resources.errors import InvalidInput
from seedtest_pipeline.api.auth.authenticators import make_authenticator
from seedtest_pipeline.api.auth.caller import Caller, Unauthenticated
from seedtest_pipeline.api.auth.claims import ClaimNames
from seedtest_pipeline.api.auth.jwks import parse
from seedtest_pipeline.settings import Settings
from tests.integration.api.forging import by, sealed

RSA = rsa.generate_private_key(65537, 2048)
PAGE = (Path(__file__).parents[3] / "docs/tokens.md").read_text("utf-8")


def documented(provider: str) -> dict[str, str]:
    """The settings that the page has under the provider's name."""
    part = PAGE.split(f"## {provider}\n")[1].split("\n## ")[0]
    return {name.lower(): value for name, value in re.findall(r"^(JWT_\w+|JWKS_URL)=(.*)$", part, re.MULTILINE)}


def jwk(key, kid: str, **more: object) -> dict[str, object]:
    to_jwk = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
    algorithm = next((a for kind, a in to_jwk.items() if isinstance(key, kind)), OKPAlgorithm)
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", **more}


def caller_of(tmp_path: Path, token: str, keys: list[dict[str, object]], **given: str) -> Caller:
    """Who the token speaks for, by an API with these settings and a provider that shows these keys."""
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": keys}))
    settings = Settings.load(seedtest_home=tmp_path, **{**given, "jwks_url": file.as_uri()})

    async def ask() -> Caller:
        authenticator = make_authenticator(settings, "127.0.0.1")
        await authenticator.start()
        try:
            return await authenticator.authenticate(f"Bearer {token}")
        finally:
            await authenticator.aclose()

    return asyncio.run(ask())


def signed(claims: dict[str, object], algorithm: str = "RS256", key: object = RSA, **header: object) -> str:
    now = int(time.time())
    return jwt.encode({"iat": now, "exp": now + 300, **claims}, key, algorithm, {"kid": "k1", **header})


KEYCLOAK = {
    "iss": "https://id.example/realms/school", "aud": ["seedtest", "account"], "typ": "Bearer", "azp": "platform",
    "jti": "onrtac:1", "acr": "1", "scope": "profile email", "realm_access": {"roles": ["offline_access"]},
}  # fmt: skip
AUTH0 = {"iss": "https://school.eu.auth0.com/", "aud": "https://seedtest.example", "azp": "abc"}
ENTRA = {
    "iss": "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0", "ver": "2.0", "nbf": 1,
    "aud": "66666666-7777-8888-9999-000000000000", "tid": "11111111-2222-3333-4444-555555555555", "azpacr": "1",
}  # fmt: skip
COGNITO = {
    "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example", "token_use": "access", "auth_time": 1,
    "client_id": "7example", "jti": "j", "version": 2,
}  # fmt: skip
TOKENS = [
    ("Keycloak", {**KEYCLOAK, "sub": "d1", "preferred_username": "service-account-platform",
                  "resource_access": {"seedtest": {"roles": ["seedtest-service"]}, "account": {"roles": ["view"]}}},
     "service-account-platform", {"analysis:run"}),
    ("Keycloak", {**KEYCLOAK, "sub": "d2", "preferred_username": "u17632",
                  "resource_access": {"seedtest": {"roles": ["seedtest-user"]}, "account": {"roles": ["view"]}}},
     "u17632", {"exam:write"}),
    ("Auth0", {**AUTH0, "sub": "abc@clients", "gty": "client-credentials", "scope": "analysis:run",
               "permissions": ["analysis:run"]}, "abc@clients", {"analysis:run"}),
    ("Auth0", {**AUTH0, "sub": "auth0|u1", "scope": "openid profile", "permissions": ["exam:write", "report:read"]},
     "auth0|u1", {"exam:write", "report:read"}),
    ("Entra", {**ENTRA, "sub": "o1", "oid": "o1", "roles": ["analysis.run"]}, "o1", {"analysis:run"}),
    ("Entra", {**ENTRA, "sub": "pairwise", "oid": "o2", "scp": "exam.write report.read"}, "o2",
     {"exam:write", "report:read"}),
    ("Cognito", {**COGNITO, "sub": "7example", "username": "7example", "scope": "seedtest/analysis.run"}, "7example",
     {"analysis:run"}),
    ("Cognito", {**COGNITO, "sub": "c2", "username": "u17632", "scope": "seedtest/exam.write openid"}, "u17632",
     {"exam:write"}),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "claims", "subject", "scopes"), TOKENS, ids=[t[0] + " " + t[2] for t in TOKENS])
def test_a_providers_token_says_the_same_as_one_of_ours(tmp_path, provider, claims, subject, scopes):
    header = {"typ": None} if provider == "Cognito" else {}  # which sends none
    caller = caller_of(tmp_path, signed(claims, **header), [jwk(RSA, "k1")], **documented(provider))
    assert caller.subject == subject
    ours = {scope for scope in caller.scopes if re.fullmatch(r"(analysis|exam|report):\w+", scope)}
    assert ours == scopes


@pytest.mark.parametrize(
    ("provider", "claims"),
    [
        ("Keycloak", {**KEYCLOAK, "sub": "d2", "preferred_username": "u1", "aud": "platform", "typ": "ID"}),
        ("Auth0", {**AUTH0, "sub": "auth0|u1", "aud": "abc"}),
        ("Entra", {**ENTRA, "sub": "pairwise", "oid": "o2", "aud": "another application"}),
        ("Cognito", {**COGNITO, "sub": "c2", "username": "u1", "client_id": "another"}),
        # An ID token: its aud is the client, and it has no client_id.
        ("Cognito", {n: v for n, v in COGNITO.items() if n != "client_id"} | {"sub": "c", "aud": "7example"}),
    ],
)
def test_a_token_for_somebody_else_or_about_a_log_in_is_not_believed(tmp_path, provider, claims):
    with pytest.raises(Unauthenticated):
        caller_of(tmp_path, signed(claims), [jwk(RSA, "k1")], **documented(provider))


EC384, ED = ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()
OURS = {"jwt_iss": "https://id.example", "jwt_aud": "seedtest"}
MINE = {"iss": "https://id.example", "aud": "seedtest", "sub": "u1", "scope": "exam:write"}


@pytest.mark.parametrize(
    ("key", "shown", "said"),
    [
        (RSA, {"alg": "PS256"}, "PS256"),
        (EC384, {"alg": "ES384"}, "ES384"),
        (EC384, {}, "ES384"),
        (ED, {"alg": "Ed25519"}, "Ed25519"),
        (ED, {"alg": "Ed25519"}, "EdDSA"),
        (ED, {"alg": "EdDSA"}, "Ed25519"),
        (ED, {}, "EdDSA"),
    ],
)
def test_keys_of_other_kinds_verify_what_they_are_for(tmp_path, key, shown, said):
    now = int(time.time())
    sign = by(key, "EdDSA" if key is ED else said)
    token = sealed({"alg": said, "kid": "k1"}, {**MINE, "iat": now, "exp": now + 300}, sign)
    assert caller_of(tmp_path, token, [jwk(key, "k1", **shown)], **OURS).subject == "u1"


@pytest.mark.parametrize(("shown", "signs"), [({}, "PS256"), ({"alg": "RS256"}, "PS256"), ({"alg": "PS256"}, "RS256")])
def test_a_token_does_not_choose_what_an_rsa_key_is_for(tmp_path, shown, signs):
    with pytest.raises(Unauthenticated):
        caller_of(tmp_path, signed(MINE, signs), [jwk(RSA, "k1", **shown)], **OURS)


def test_of_two_keys_under_one_id_each_is_believed(tmp_path):
    other = rsa.generate_private_key(65537, 2048)
    keys = [jwk(RSA, "k1"), jwk(other, "k1")]
    for key in (RSA, other):
        assert caller_of(tmp_path, signed(MINE, key=key), keys, **OURS).subject == "u1"


def test_a_key_of_the_broken_generator_is_not_used():
    """ROCA: its modulus is a power of 65537 modulo the product of the first primes."""
    product = math.prod(p for p in range(2, 168) if all(p % q for q in range(2, p)))
    modulus = (2**2047 // product) * product + pow(65537, 12345, product)
    numbers = rsa.RSAPublicNumbers(65537, modulus | 1).public_key()
    broken = RSAAlgorithm.to_jwk(numbers, as_dict=True)
    assert modulus % 2 == 1
    assert list(parse(json.dumps({"keys": [{**broken, "kid": "k1"}, jwk(RSA, "k2")]}).encode())) == [("k2", "RS256")]


def test_a_word_that_shall_mean_no_scope_of_ours_is_refused_at_the_start(tmp_path):
    with pytest.raises(InvalidInput, match="analysis:rum"):
        caller_of(tmp_path, signed(MINE), [], **OURS, jwt_scopes="service=analysis:rum")


def test_a_claim_whose_name_has_dots_is_read_under_that_name():
    names = ClaimNames(scopes=("https://school.example/roles", "a.b.c"), meaning={"r=1": "exam:write"})
    claims = {"https://school.example/roles": ["r=1"], "a": {"b": {"c": "x y"}}}
    assert names.scopes_of(claims) == {"exam:write", "x", "y"}
