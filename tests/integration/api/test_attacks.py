"""Tokens that must not be believed, each for the reason that it is made to test, beside those that must."""

import json
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seedtest_pipeline.api.auth.caller import Caller, Unauthenticated
from tests.integration.api.forging import (
    by,
    by_secret,
    public_pem,
    sealed,
    segment,
    twice,
    with_header,
    with_payload,
)
from tests.integration.api.provider import MAKE_KEY, Provider, good_claims, public_jwk

STRANGER = {algorithm: make() for algorithm, make in MAKE_KEY.items()}
NOW = int(time.time())
RS, ES = {"alg": "RS256", "kid": "rs"}, {"alg": "ES256", "kid": "es"}


def hs(algorithm: str, secret: Callable[[Provider], bytes]) -> Callable[[Provider], str]:
    digest = f"sha{algorithm.removeprefix('HS')}"
    return lambda of: sealed({"alg": algorithm, "kid": "rs"}, good_claims(), by_secret(secret(of), digest))


def header(**changed: object) -> Callable[[Provider], str]:
    return lambda of: with_header(of, **changed)


def claims(**changed: object) -> Callable[[Provider], str]:
    return lambda of: of.token(**changed)


def altered(token: str) -> str:
    signed_header, _, signature = token.split(".")
    return ".".join((signed_header, segment(good_claims(sub="admin", scope="analysis:run")).decode(), signature))


NONE, WRONG_KEY, UNKNOWN_KEY = "algorithm is none of ours", "signature is wrong", "key is none of the provider's"
TWICE = "a name stands twice"
FORGED: dict[str, tuple[Callable[[Provider], str], str]] = {
    "alg none, unsigned": (lambda of: sealed({"alg": "none", "kid": "es"}, good_claims(), lambda _: b""), "no token"),
    "alg none": (header(alg="none"), NONE),
    "alg None": (header(alg="None"), NONE),
    "alg nOnE": (header(alg="nOnE"), NONE),
    "alg missing": (header(alg=None), "header alg"),
    "alg a list": (header(alg=["ES256"]), "header alg"),
    "alg in lower case": (header(alg="es256"), NONE),
    "HS256 with the RSA key's PEM": (hs("HS256", lambda of: public_pem(of.keys["rs"])), NONE),
    "HS512 with the RSA key's PEM": (hs("HS512", lambda of: public_pem(of.keys["rs"])), NONE),
    "HS256 with the RSA key's n": (hs("HS256", lambda of: str(public_jwk("", of.keys["rs"])["n"]).encode()), NONE),
    "HS256 with nothing": (hs("HS256", lambda of: b""), NONE),
    "RS512 by the true key": (
        lambda of: sealed({"alg": "RS512", "kid": "rs"}, good_claims(), by(of.keys["rs"], "RS512")), NONE,
    ),
    "PS256 by the true key": (
        lambda of: sealed({"alg": "PS256", "kid": "rs"}, good_claims(), by(of.keys["rs"], "PS256")),
        UNKNOWN_KEY,
    ),
    "ES256 that names the RSA key": (
        lambda of: sealed({"alg": "ES256", "kid": "rs"}, good_claims(), by(of.keys["es"])), UNKNOWN_KEY,
    ),
    "RS256 that names the Ed25519 key": (
        lambda of: sealed({"alg": "RS256", "kid": "ed"}, good_claims(), by(of.keys["rs"])), UNKNOWN_KEY,
    ),
    "RS256 by a stranger": (lambda of: sealed(RS, good_claims(), by(STRANGER["RS256"])), WRONG_KEY),
    "ES256 by a stranger": (lambda of: sealed(ES, good_claims(), by(STRANGER["ES256"])), WRONG_KEY),
    "EdDSA by a stranger": (
        lambda of: sealed({"alg": "EdDSA", "kid": "ed"}, good_claims(), by(STRANGER["EdDSA"])), WRONG_KEY,
    ),
    "ES256 of zeros": (lambda of: sealed(ES, good_claims(), lambda _: bytes(64)), WRONG_KEY),
    "ES256 in DER": (lambda of: sealed(ES, good_claims(), lambda _: b"\x30\x06\x02\x01\x01\x02\x01\x01"), WRONG_KEY),
    "claims altered": (lambda of: altered(of.token()), WRONG_KEY),
    **{f"{kid} signature cut": (lambda of, kid=kid: of.token(kid)[:-8], WRONG_KEY) for kid in ("rs", "es", "ed")},
    "signature of one character": (lambda of: of.token().rpartition(".")[0] + ".x", "not base64"),
    "signature left out": (lambda of: of.token().rpartition(".")[0] + ".", "no token"),
    "kid unknown": (header(kid="other"), UNKNOWN_KEY),
    "kid missing": (header(kid=None), "header kid"),
    "kid empty": (header(kid=""), "header kid"),
    "kid a number": (header(kid=1), "header kid"),
    "kid a list": (header(kid=["es"]), "header kid"),
    "kid of 4 kB": (header(kid="e" * 4096), "header kid"),
    "kid a path": (header(kid="../../../../dev/null"), UNKNOWN_KEY),
    "kid a path, signed with what that holds": (
        lambda of: sealed({"alg": "HS256", "kid": "../../../../dev/null"}, good_claims(), by_secret(b"")), NONE,
    ),
    "kid an address": (header(kid="http://127.0.0.1/jwks.json"), UNKNOWN_KEY),
    "kid SQL": (header(kid="es' OR '1'='1"), UNKNOWN_KEY),
    "kid SQL that gives a key": (header(kid="x' UNION SELECT 'secret' --"), UNKNOWN_KEY),
    "kid with NUL": (header(kid="es\0"), UNKNOWN_KEY),
    "kid half a character": (header(kid="\ud800"), "header kid"),
    "crit": (header(crit=["exp"]), "asks for an extension"),
    "crit empty": (header(crit=[]), "asks for an extension"),
    "crit b64": (header(crit=["b64"], b64=False), "asks for an extension"),
    "a log-out token": (header(typ="logout+jwt"), "not for access"),
    "a security event": (header(typ="application/secevent+jwt"), "not for access"),
    "typ a number": (header(typ=1), "header typ"),
    "jwk in the header": (
        lambda of: sealed({**ES, "jwk": public_jwk("es", STRANGER["ES256"])}, good_claims(), by(STRANGER["ES256"])),
        WRONG_KEY,
    ),
    "x5c in the header": (lambda of: sealed({**ES, "x5c": ["MIIB"]}, good_claims(), by(STRANGER["ES256"])), WRONG_KEY),
    "alg twice": (
        lambda of: sealed(twice("alg", "none", "ES256", {"kid": "es"}), good_claims(), by(of.keys["es"])), TWICE,
    ),
    "sub twice": (lambda of: with_payload(of, twice("sub", "u1", "admin", good_claims())), TWICE),
    "a name twice further in": (lambda of: with_payload(of, b'{"realm": {"a": 1, "a": 2}}'), TWICE),
    "expired": (claims(exp=NOW - 60), "expired"),
    "expired for ever": (claims(exp=-1), "expired"),
    "not valid yet": (claims(nbf=NOW + 3600), "not valid yet"),
    "made in the future": (claims(iat=NOW + 3600), "not valid yet"),
    "exp text": (claims(exp=str(NOW + 600)), "claim exp"),
    "exp true": (claims(exp=True), "claim exp"),
    "exp null": (lambda of: with_payload(of, {**good_claims(), "exp": None}), "claim exp"),
    "exp without end": (
        lambda of: with_payload(of, json.dumps(good_claims(exp=7_777)).replace("7777", "1e999").encode()), "claim exp",
    ),
    "exp NaN": (claims(exp=float("nan")), "claim exp"),
    "exp infinite": (claims(exp=float("inf")), "claim exp"),
    "nbf null": (lambda of: with_payload(of, {**good_claims(), "nbf": None}), "claim nbf"),
    "for others": (claims(aud="billing"), "another audience"),
    "for several others": (claims(aud=["billing", "seedtest2"]), "another audience"),
    "for nobody": (claims(aud=[]), "another audience"),
    "aud begins alike": (claims(aud="seedtest-admin"), "another audience"),
    "aud contains ours": (claims(aud="billing seedtest"), "another audience"),
    "aud an object": (claims(aud={"seedtest": 1}), "claim aud"),
    "aud a list with a number": (claims(aud=["seedtest", 1]), "claim aud"),
    "another issuer": (claims(iss="https://evil.example"), "another issuer"),
    "iss with a slash more": (claims(iss="https://id.example/"), "another issuer"),
    "iss begins alike": (claims(iss="https://id.example.evil.example"), "another issuer"),
    "iss a list": (lambda of: with_payload(of, {**good_claims(), "iss": ["https://id.example"]}), "claim iss"),
    **{f"{name} missing": (claims(**{name: None}), f"claim {name}") for name in ("exp", "iat", "iss", "aud", "sub")},
    "sub empty": (claims(sub=""), "claim sub"),
    "sub a number": (lambda of: with_payload(of, {**good_claims(), "sub": 7}), "claim sub"),
    "sub half a character": (claims(sub="\ud800"), "claim sub"),
    "sub of 300 characters": (claims(sub="u" * 300), "claim sub"),
    "scope a number": (claims(scope=1), "claim scope"),
    "scopes a list of lists": (claims(scopes=[["analysis:run"]]), "claim scopes"),
    "claims a list": (lambda of: with_payload(of, [good_claims()]), "not a JSON object"),
    "claims no JSON": (lambda of: with_payload(of, b"sub=u1"), "not JSON"),
    "claims in UTF-16": (lambda of: with_payload(of, '{"sub": "u1"}'.encode("utf-16")), "not JSON"),
    "claims not UTF-8": (lambda of: with_payload(of, b'{"sub": "\xff"}'), "not JSON"),
    "claims nested 5,000 deep": (lambda of: with_payload(of, b"[" * 5000), "not JSON"),
    "a number of 5,000 digits": (lambda of: with_payload(of, b'{"exp": ' + b"9" * 5000 + b"}"), "not JSON"),
    "header nested 5,000 deep": (lambda of: sealed(b"[" * 5000, good_claims(), lambda _: b"x"), "not JSON"),
    "header a list": (lambda of: sealed(["ES256"], good_claims(), lambda _: b"x"), "not a JSON object"),
    "10 kB": (claims(filler="x" * 10_000), "too long"),
    "1 MB": (claims(filler="x" * 1_000_000), "too long"),
    "five parts, as an encrypted one has": (lambda of: of.token() + ".x.y", "no token"),
    "base64 with padding": (lambda of: of.token() + "=", "no token"),
    "a line break": (lambda of: of.token() + "\n", "no token"),
    "a header of ours after it": (lambda of: of.token() + "\r\nX-User: admin", "no token"),
    "letters that only look alike": (lambda of: of.token().replace("e", "е"), "no token"),
}  # fmt: skip


@pytest.mark.parametrize(("forge", "reason"), FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused_for_what_is_wrong_with_it_and_says_nothing_of_that(
    provider, authenticator, forge, reason
):
    token = forge(provider)
    with pytest.raises(Unauthenticated) as refused:
        authenticator.authenticate(token)
    assert reason in str(refused.value.reason)
    assert refused.value.www_authenticate == 'Bearer realm="seedtest", error="invalid_token"'
    assert str(refused.value) == "This needs a valid bearer token."
    assert token[:20] not in str(refused.value.reason)


@pytest.mark.parametrize("kid", ["rs", "es", "ed"])
def test_a_token_of_each_kind_is_believed(provider, authenticator, kid):
    assert authenticator.authenticate(provider.token(kid)) == Caller("u1", frozenset({"exam:write"}))


BELIEVED: dict[str, dict[str, object]] = {
    "aud a list": {"aud": ["billing", "seedtest"]},
    "made by a clock that is ahead": {"iat": NOW + 20},
    "nbf past": {"nbf": NOW - 1},
    "times with fractions": {"iat": NOW + 0.5, "exp": NOW + 3600.5},
    "a claim that we do not know": {"email": "a@example.com"},
}


@pytest.mark.parametrize("changed", BELIEVED.values(), ids=BELIEVED)
def test_what_the_standard_allows_is_believed(provider, authenticator, changed):
    assert authenticator.authenticate(provider.token(**changed)).subject == "u1"


def test_a_token_that_has_just_expired_is_believed_within_the_leeway(provider, authenticator):
    assert authenticator.authenticate(provider.token(exp=time.time() - 5)).subject == "u1"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+jwt", None])
def test_the_names_of_access_tokens_are_believed(provider, authenticator, typ):
    assert authenticator.authenticate(with_header(provider, typ=typ)).subject == "u1"


@pytest.mark.parametrize("name", ["jku", "x5u"])
def test_an_address_of_keys_in_the_header_is_not_visited(provider, authenticator, name):
    with Provider({"es": STRANGER["ES256"]}) as evil:
        with pytest.raises(Unauthenticated):
            authenticator.authenticate(evil.token(headers={name: evil.url}))
        with pytest.raises(Unauthenticated):
            authenticator.authenticate(
                sealed({**ES, "kid": "evil", name: evil.url}, good_claims(), by(STRANGER["ES256"]))
            )
        assert authenticator.authenticate(provider.token(headers={name: evil.url})).subject == "u1"
        assert evil.fetches == 0


@pytest.mark.parametrize(
    ("changed", "scopes"),
    [
        ({"scope": "analysis:run exam:write"}, {"analysis:run", "exam:write"}),
        ({"scope": "  exam:write  "}, {"exam:write"}),
        ({"scope": ""}, set()),
        ({"scope": None}, set()),
        ({"scope": None, "scp": ["analysis:run", "report:read"]}, {"analysis:run", "report:read"}),
        ({"scope": None, "scp": "analysis:run report:read"}, {"analysis:run", "report:read"}),
        ({"scope": None, "scopes": ["exam:write"]}, {"exam:write"}),
        ({"scope": "exam:write", "scp": ["report:read"]}, {"exam:write", "report:read"}),
        ({"scope": "analysis:runner"}, {"analysis:runner"}),
        ({"scope": "exam:write\tanalysis:run"}, {"exam:write\tanalysis:run"}),
        ({"scope": "exam:write,analysis:run"}, {"exam:write,analysis:run"}),
        ({"scope": None, "scp": ["exam:write analysis:run"]}, {"exam:write analysis:run"}),
    ],
)
def test_scopes_are_what_is_written_between_blanks(provider, authenticator, changed, scopes):
    assert authenticator.authenticate(provider.token(**changed)).scopes == scopes


def test_without_a_token_the_challenge_names_no_error(authenticator):
    with pytest.raises(Unauthenticated) as refused:
        authenticator.authenticate_header(None)
    assert refused.value.www_authenticate == 'Bearer realm="seedtest"'


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic dTE6cHc=", "{token}", "Token {token}", "Bearer\t{token}", " Bearer {token}",
     "Bearer {token} ", "Bearer {token}, Bearer {token}", "Bearer {token} {token}", "Bearer, {token}",
     "Bearer: {token}", "\0", "Bearer \U0001f600"],
)  # fmt: skip
def test_a_header_that_is_not_one_bearer_token_is_refused(provider, authenticator, authorization):
    with pytest.raises(Unauthenticated):
        authenticator.authenticate_header(authorization.format(token=provider.token()))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_the_scheme_is_read_as_http_reads_it(provider, authenticator, scheme):
    assert authenticator.authenticate_header(f"{scheme} {provider.token()}").subject == "u1"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=8), parts, max_size=3),
    max_leaves=8,
)
ANY_HEADER = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "zip", "jwk", "jku"]), JSON)
ANY_CLAIMS = st.dictionaries(
    st.sampled_from(["iss", "aud", "sub", "exp", "iat", "nbf", "scope", "scp", "scopes"]), JSON
)
FUZZ = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],  # other work may slow a machine
)


@FUZZ
@given(st.text() | st.text().map("Bearer {}".format) | st.from_regex(r"Bearer [\w.=-]{0,80}"))
def test_no_text_in_the_header_does_more_than_be_refused(authenticator, authorization):
    with pytest.raises(Unauthenticated):
        authenticator.authenticate_header(authorization)


@FUZZ
@given(ANY_HEADER | JSON, JSON | st.binary(), st.binary(min_size=1))
def test_no_header_of_a_token_does_more_than_be_refused(authenticator, head, payload, signature):
    with pytest.raises(Unauthenticated):
        authenticator.authenticate(sealed(head, payload, lambda _: signature))


@FUZZ
@given(ANY_CLAIMS)
def test_no_claims_that_the_provider_signs_do_more_than_be_believed_or_refused(provider, authenticator, changed):
    token = with_payload(provider, {**good_claims(), **changed})
    with suppress(Unauthenticated):
        assert authenticator.authenticate(token).subject == changed.get("sub", "u1")
