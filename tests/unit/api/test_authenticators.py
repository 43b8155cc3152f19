"""Which settings make which authenticator, and which stop the start. Tokens are in tests/integration/api."""

import asyncio
import logging

import pytest

from resources.errors import InvalidInput, KeysUnavailable
from seedtest_pipeline.api.auth import scopes
from seedtest_pipeline.api.auth.authenticators import LocalDevAuthenticator, TokenAuthenticator, make_authenticator
from seedtest_pipeline.api.auth.caller import Authenticator, Caller
from seedtest_pipeline.api.auth.local_issuer import NAME
from seedtest_pipeline.settings import Settings

LOOPBACK = "127.0.0.1"
PROVIDER = {
    "JWKS_URL": "https://id.example/jwks.json", "JWT_ISS": "https://id.example", "JWT_AUD": "seedtest"
}  # fmt: skip
LOCAL_TOKENS = {"JWKS_URL": "file:///tmp/jwks.json", "JWT_ISS": NAME, "JWT_AUD": "seedtest"}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    for name in [*Settings.model_fields, "kubernetes_service_host"]:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SEEDTEST_HOME", str(tmp_path))


def made(monkeypatch, host: str = LOOPBACK, **environment: str) -> Authenticator:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    authenticator = make_authenticator(Settings.load(), host)
    asyncio.run(authenticator.aclose())
    return authenticator


@pytest.mark.parametrize("host", [LOOPBACK, "0.0.0.0", "::", "api.example"])  # noqa: S104
def test_a_provider_makes_an_authenticator_for_tokens_wherever_it_is_bound(monkeypatch, host):
    assert isinstance(made(monkeypatch, host, **PROVIDER), TokenAuthenticator)


def test_the_secret_in_an_address_is_not_shown(monkeypatch):
    authenticator = made(monkeypatch, **{**PROVIDER, "JWKS_URL": "https://me:s3cret@id.example/jwks.json?key=s3cret"})
    with pytest.raises(KeysUnavailable, match=r"^No keys yet from id\.example: not answered yet\.$"):
        authenticator.check()


def test_a_provider_is_fine_in_kubernetes(monkeypatch):
    assert isinstance(made(monkeypatch, "0.0.0.0", KUBERNETES_SERVICE_HOST="10.0.0.1", **PROVIDER), TokenAuthenticator)  # noqa: S104


@pytest.mark.parametrize("host", [LOOPBACK, "127.0.0.2", "::1", "localhost"])
def test_local_dev_opens_the_authenticator_on_loopback(monkeypatch, host):
    assert isinstance(made(monkeypatch, host, LOCAL_DEV="true"), LocalDevAuthenticator)


@pytest.mark.parametrize("host", [LOOPBACK, "::1"])
def test_tokens_of_the_command_are_believed_on_loopback(monkeypatch, host):
    assert isinstance(made(monkeypatch, host, **LOCAL_TOKENS), TokenAuthenticator)


REFUSED = {
    "nothing is set": ({}, "set JWKS_URL, JWT_ISS, JWT_AUD. For tries on this machine, LOCAL_DEV=true"),
    "LOCAL_DEV=false alone": ({"LOCAL_DEV": "false"}, "set JWKS_URL, JWT_ISS, JWT_AUD"),
    "no audience": ({**PROVIDER, "JWT_AUD": ""}, "set JWT_AUD. "),
    "no issuer": ({**PROVIDER, "JWT_ISS": ""}, "set JWT_ISS. "),
    "no keys": ({**PROVIDER, "JWKS_URL": ""}, "set JWKS_URL. "),
    "plain http": ({**PROVIDER, "JWKS_URL": "http://id.example/jwks.json"}, "it has to begin with https://"),
    "plain http to what looks like loopback": (
        {**PROVIDER, "JWKS_URL": "http://127.0.0.1.id.example/jwks.json"}, "it has to begin with https://",
    ),
    "plain http past a loopback name": (
        {**PROVIDER, "JWKS_URL": "http://localhost@id.example/jwks.json"}, "it has to begin with https://",
    ),
    "ftp": ({**PROVIDER, "JWKS_URL": "ftp://127.0.0.1/jwks.json"}, "it has to begin with https://"),
    "no address": ({**PROVIDER, "JWKS_URL": "jwks.json"}, "it has to begin with https://"),
    "no port": ({**PROVIDER, "JWKS_URL": "https://id.example:port/"}, "which is no address"),
    "half an IPv6 address": ({**PROVIDER, "JWKS_URL": "https://[::1/jwks.json"}, "which is no address"),
    "https to nowhere": ({**PROVIDER, "JWKS_URL": "https://"}, "it has to begin with https://"),
    "LOCAL_DEV with a provider": ({**PROVIDER, "LOCAL_DEV": "true"}, "unset one of the two"),
    "LOCAL_DEV in Kubernetes": ({"LOCAL_DEV": "true", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "this is Kubernetes"),
    "tokens of the command in Kubernetes": ({**LOCAL_TOKENS, "KUBERNETES_SERVICE_HOST": "::1"}, "this is Kubernetes"),
}  # fmt: skip


@pytest.mark.parametrize(("environment", "said"), REFUSED.values(), ids=REFUSED)
def test_settings_that_leave_open_who_may_call_stop_the_start(monkeypatch, environment, said):
    with pytest.raises(InvalidInput, match=said.replace(".", r"\.")):
        made(monkeypatch, **environment)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.5", "api.example", "127.0.0.1.api.example"])  # noqa: S104
@pytest.mark.parametrize(
    "environment",
    [{"LOCAL_DEV": "true"}, LOCAL_TOKENS, {**PROVIDER, "JWT_ISS": NAME}, {**LOCAL_TOKENS, "JWT_ISS": "https://id.example"}],
    ids=["LOCAL_DEV", "the command's tokens", "the command's issuer", "the command's key"],
)  # fmt: skip
def test_what_is_for_one_machine_is_not_bound_to_a_network(monkeypatch, host, environment):
    with pytest.raises(InvalidInput, match=r"can be reached from outside: bind to 127\.0\.0\.1"):
        made(monkeypatch, host, **environment)


def test_the_open_authenticator_says_so_loudly_and_admits_everybody_with_every_right(caplog):
    authenticator = LocalDevAuthenticator()
    asyncio.run(authenticator.start())
    assert "NO TOKEN IS ASKED FOR" in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    everything = frozenset({scopes.ANYBODY, scopes.UPDATE_OWN, scopes.READ_OWN})
    assert asyncio.run(authenticator.authenticate(None)) == Caller("local-dev", everything)
    assert asyncio.run(authenticator.authenticate("Bearer nonsense")).scopes == everything
