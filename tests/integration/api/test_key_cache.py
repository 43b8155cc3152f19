"""The provider's keys while it rotates, revokes, stalls, lies and dies; its server is a process of its own."""

import asyncio
import gzip
import json
import logging
import time

import pytest

from resources.errors import KeysUnavailable
from seedtest_pipeline.api.auth import key_source
from seedtest_pipeline.api.auth.caller import Unauthenticated
from seedtest_pipeline.api.auth.key_cache import Ages
from tests.integration.api.provider import MAKE_KEY, Provider, public_jwk
from tests.waiting import until

# Short, so that a test sees a cache grow old.
BRISK = Ages(fresh_s=0.3, stale_s=600, cool_down_s=0.1)
# So long that nothing happens by itself.
CALM = Ages(fresh_s=600, stale_s=3600, cool_down_s=600)


@pytest.fixture
def little_patience(monkeypatch):
    monkeypatch.setattr(key_source, "_TIME_LIMIT_S", 2.0)


def refused(authenticator, token) -> bool:
    try:
        authenticator.authenticate(token)
    except Unauthenticated:
        return True
    return False


def unavailable(authenticator, token) -> bool:
    try:
        authenticator.authenticate(token)
    except KeysUnavailable:
        return True
    return False


def test_a_new_key_is_believed_at_once_and_the_rotated_one_no_longer(own_provider, start_authenticator):
    authenticator = start_authenticator(own_provider.url, Ages(fresh_s=600, stale_s=3600, cool_down_s=0))
    old = own_provider.token()
    assert authenticator.authenticate(old).subject == "u1"
    own_provider.rotate("es", "es2")
    assert authenticator.authenticate(own_provider.token("es2")).subject == "u1"
    assert refused(authenticator, old)


def test_a_revoked_key_is_refused_after_the_caches_age(own_provider, start_authenticator):
    authenticator = start_authenticator(own_provider.url, BRISK)
    stolen = own_provider.token()
    assert authenticator.authenticate(stolen).subject == "u1"
    own_provider.keys = {"es2": MAKE_KEY["ES256"]()}
    own_provider.publish()
    authenticator.wait_for(True, True)  # the first may have asked before
    assert refused(authenticator, stolen)


def test_a_document_without_keys_is_a_failure_and_revokes_nobodys(own_provider, start_authenticator):
    """A provider that showed no keys for a moment made every token wrong, for everybody and at once."""
    authenticator = start_authenticator(own_provider.url, BRISK)
    token = own_provider.token()
    assert authenticator.authenticate(token).subject == "u1"
    own_provider.keys = {}
    own_provider.publish()
    authenticator.wait_for(False, False)
    assert authenticator.authenticate(token).subject == "u1"
    assert authenticator.inner.check().endswith("; it fails: it offers no usable key")
    own_provider.keys = {"other": MAKE_KEY["ES256"]()}
    own_provider.publish()
    authenticator.wait_for(True)
    assert refused(authenticator, token)


def test_without_any_key_at_the_start_nobody_can_be_judged(own_provider, start_authenticator):
    token = own_provider.token()
    own_provider.keys = {}
    own_provider.publish()
    authenticator = start_authenticator(own_provider.url, BRISK)
    assert unavailable(authenticator, token)
    with pytest.raises(KeysUnavailable, match="it offers no usable key"):
        authenticator.inner.check()


def test_a_new_key_under_an_old_id_is_believed_at_once(own_provider, start_authenticator):
    authenticator = start_authenticator(own_provider.url, Ages(fresh_s=600, stale_s=3600, cool_down_s=0.3))
    old = own_provider.token()
    assert authenticator.authenticate(old).subject == "u1"
    own_provider.keys["es"] = MAKE_KEY["ES256"]()
    own_provider.publish()
    authenticator.wait(0.35)
    assert authenticator.authenticate(own_provider.token()).subject == "u1"
    begun, fetches = time.monotonic(), own_provider.fetches
    for _ in range(20):  # wrong signatures do not make the provider work
        assert refused(authenticator, old)
    assert own_provider.fetches <= fetches + 1 + (time.monotonic() - begun) / 0.3


def test_a_provider_that_is_down_at_the_start_makes_callers_wait_and_not_unknown_until_it_is_up(
    own_provider, start_authenticator
):
    own_provider.kill()
    authenticator = start_authenticator(own_provider.url, BRISK)
    token = own_provider.token()
    assert unavailable(authenticator, token)
    with pytest.raises(KeysUnavailable, match=r"No keys yet from 127\.0\.0\.1:\d+: "):
        authenticator.inner.check()
    own_provider.revive()
    authenticator.wait_for(True)
    assert authenticator.authenticate(token).subject == "u1"
    assert authenticator.inner.check().startswith("1 keys from 127.0.0.1:")


def test_a_provider_that_dies_leaves_its_keys_for_a_while_and_then_nobody_is_judged(own_provider, start_authenticator):
    stale_s = 5.0
    authenticator = start_authenticator(own_provider.url, Ages(BRISK.fresh_s, stale_s, BRISK.cool_down_s))
    token = own_provider.token()
    assert authenticator.authenticate(token).subject == "u1"
    own_provider.kill()
    authenticator.wait_for(False, False)
    assert authenticator.authenticate(token).subject == "u1"
    assert "; it fails: " in authenticator.inner.check()
    authenticator.wait(stale_s)
    assert unavailable(authenticator, token)
    own_provider.revive()
    authenticator.wait_for(True)
    assert authenticator.authenticate(token).subject == "u1"


def test_a_key_that_is_not_known_while_the_provider_fails_is_never_called_wrong(own_provider, start_authenticator):
    authenticator = start_authenticator(own_provider.url, BRISK)
    assert authenticator.authenticate(own_provider.token()).subject == "u1"
    own_provider.keys["new"] = MAKE_KEY["ES256"]()
    own_provider.kill()
    authenticator.wait_for(False)
    assert unavailable(authenticator, own_provider.token("new"))
    own_provider.revive()
    authenticator.wait_for(True)
    assert authenticator.authenticate(own_provider.token("new")).subject == "u1"


@pytest.mark.usefixtures("little_patience")
def test_a_provider_that_says_nothing_delays_nobody_whose_key_is_known(own_provider, start_authenticator):
    authenticator = start_authenticator(own_provider.url, BRISK)
    token, forged = own_provider.token(), own_provider.token(headers={"kid": "other"})
    assert authenticator.authenticate(token).subject == "u1"
    own_provider.freeze()
    try:
        while not answered_during_a_fetch(authenticator, lambda: authenticator.authenticate(token).subject == "u1"):
            pass
        authenticator.wait_for(False)
        while not answered_during_a_fetch(authenticator, lambda: unavailable(authenticator, forged)):
            pass
    finally:
        own_provider.thaw()


def answered_during_a_fetch(authenticator, answered) -> bool:
    """Whether one fetch was under way before and after; whoever waited for it would find it done."""
    cache = authenticator.inner._keys
    until(lambda: authenticator.wait(0.02) or (cache._flight is not None and not cache._flight.done()))
    fetch = cache._flight
    assert answered()
    return cache._flight is fetch and not fetch.done()


def test_many_unknown_keys_make_one_fetch_in_each_cool_down(own_provider, start_authenticator):
    authenticator = start_authenticator(own_provider.url, Ages(fresh_s=600, stale_s=3600, cool_down_s=0.3))
    assert authenticator.authenticate(own_provider.token()).subject == "u1"
    authenticator.wait(0.35)
    begun = time.monotonic()
    for n in range(40):
        assert refused(authenticator, own_provider.token(headers={"kid": f"unknown{n}"}))
    passed_s = time.monotonic() - begun
    assert 2 <= own_provider.fetches <= 2 + passed_s / 0.3


def test_many_unknown_keys_make_few_fetches_while_the_provider_fails(own_provider, start_authenticator):
    own_provider.say(b"", 500)
    authenticator = start_authenticator(own_provider.url, CALM)
    for n in range(20):
        assert unavailable(authenticator, own_provider.token(headers={"kid": f"unknown{n}"}))
    assert own_provider.fetches == 1


def test_fifty_callers_at_once_wait_for_one_fetch(own_provider, start_authenticator):
    own_provider.keys["new"] = MAKE_KEY["ES256"]()
    authenticator = start_authenticator(own_provider.url, Ages(fresh_s=600, stale_s=3600, cool_down_s=0))
    assert authenticator.authenticate(own_provider.token()).subject == "u1"
    own_provider.publish()
    token = f"Bearer {own_provider.token('new')}"

    async def all_at_once() -> list[str]:
        return [
            caller.subject
            for caller in await asyncio.gather(*(authenticator.inner.authenticate(token) for _ in range(50)))
        ]

    assert authenticator.loop.run(all_at_once()) == ["u1"] * 50
    assert own_provider.fetches == 2


def test_a_caller_who_hangs_up_does_not_end_the_fetch_that_others_wait_for(own_provider, start_authenticator):
    own_provider.freeze()
    authenticator = start_authenticator(own_provider.url, CALM)
    token = f"Bearer {own_provider.token()}"

    async def one_hangs_up() -> str:
        impatient, patient = (asyncio.create_task(authenticator.inner.authenticate(token)) for _ in range(2))
        await asyncio.sleep(0.05)
        impatient.cancel()
        own_provider.thaw()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        return (await patient).subject

    assert authenticator.loop.run(one_hangs_up()) == "u1"


LIES = {
    "no JSON": {"body": b"<html>maintenance</html>"},
    "not an object": {"body": b"[]"},
    "no keys": {"body": b'{"jwks": []}'},
    "keys an object": {"body": b'{"keys": {"kid": "es"}}'},
    "half a document": {"body": b'{"keys": [', "headers": {"Content-Length": "9000"}},
    "nested deep": {"body": b'{"keys": ' + b"[" * 50_000},
    "300 kB": {"body": b'{"keys": [], "x": "' + b"x" * 300_000 + b'"}'},
    "no end": {"body": b"{" * 10_000, "drip_s": 0.05},
    "packed": {"body": gzip.compress(b'{"keys": []}' + b" " * 10**7), "headers": {"Content-Encoding": "gzip"}},
    "an error": {"body": b'{"keys": []}', "status": 500},
    "not there": {"body": b'{"keys": []}', "status": 404},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
@pytest.mark.usefixtures("little_patience")
def test_an_answer_that_is_no_key_document_changes_nothing(own_provider, start_authenticator, caplog, lie):
    authenticator = start_authenticator(own_provider.url, BRISK)
    assert authenticator.authenticate(own_provider.token()).subject == "u1"
    own_provider.say(**lie)
    authenticator.wait_for(False, False)
    assert authenticator.authenticate(own_provider.token()).subject == "u1"
    assert caplog.text.count("Those known stay for a while.") == 1


def test_a_redirect_is_not_followed(own_provider, start_authenticator):
    authenticator = start_authenticator(own_provider.url, BRISK)
    assert authenticator.authenticate(own_provider.token()).subject == "u1"
    with Provider({"evil": MAKE_KEY["ES256"]()}) as evil:
        own_provider.say(b"", 302, {"Location": evil.url})
        authenticator.wait_for(False)
        assert unavailable(authenticator, evil.token("evil"))
        assert evil.fetches == 0
    assert authenticator.authenticate(own_provider.token()).subject == "u1"


def test_one_bad_key_does_not_spoil_the_others(own_provider, start_authenticator, caplog):
    caplog.set_level(logging.INFO)
    es = public_jwk("bad", own_provider.keys["es"])
    rsa = public_jwk("bad", MAKE_KEY["RS256"]())
    private = {**es, "d": "AAAA"}
    bad = [
        None, 7, "key", [], {}, {**es, "kid": 7}, {**es, "kid": ""}, {"kty": "oct", "k": "c2VjcmV0", "kid": "bad"},
        {**es, "crv": "P-521"}, {**es, "x": "AAAA"}, {**es, "x": es["y"]}, {**es, "use": "enc"}, {**es, "y": None},
        {**es, "key_ops": ["encrypt"]}, {**es, "alg": "ES512"}, {**rsa, "n": "AQAB"}, {**rsa, "n": "!"},
        {**rsa, "e": ""}, {**rsa, "alg": "PS512"}, {**rsa, "n": "x" * 9000}, private,
        *({"kty": "OKP", "crv": curve, "x": "AAAA", "kid": "bad"} for curve in ("Ed448", "Ed25519", "X25519")),
    ]  # fmt: skip
    own_provider.publish(*bad)
    authenticator = start_authenticator(own_provider.url, CALM)
    assert authenticator.authenticate(own_provider.token()).subject == "u1"
    assert authenticator.inner.check().startswith("1 keys")
    assert caplog.text.count("of the JWKS document is not used") == len(bad)
    assert str(es["x"]) not in caplog.text


def test_a_key_id_of_two_kinds_of_key_names_both(own_provider, start_authenticator):
    own_provider.publish(public_jwk("es", other := MAKE_KEY["EdDSA"]()))
    authenticator = start_authenticator(own_provider.url, CALM)
    assert authenticator.authenticate(own_provider.token()).subject == "u1"
    own_provider.keys["es"] = other
    assert authenticator.authenticate(own_provider.token()).subject == "u1"


def test_a_key_without_the_optional_names_is_used(own_provider, start_authenticator):
    jwk = public_jwk("es", own_provider.keys["es"])
    own_provider.say(json.dumps({"keys": [{name: jwk[name] for name in ("kty", "crv", "x", "y", "kid")}]}).encode())
    assert start_authenticator(own_provider.url, CALM).authenticate(own_provider.token()).subject == "u1"
