"""`seedtest token`, as a person types it, and the authenticator that its settings make."""

import asyncio
import shlex
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jwt
import pytest

from resources.errors import InvalidInput
from seedtest_pipeline.api.auth import local_issuer
from seedtest_pipeline.api.auth.authenticators import make_authenticator
from seedtest_pipeline.api.auth.caller import Caller, Unauthenticated
from seedtest_pipeline.api.auth.key_cache import Ages
from seedtest_pipeline.settings import Settings
from tests.integration.api.provider import Provider


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """Nothing is set but a home with a space in its path."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SEEDTEST_HOME", str(tmp_path / "a home"))
    return tmp_path / "a home"


def seedtest(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Types `seedtest ARGUMENTS`."""
    return subprocess.run(
        [sys.executable, "-m", "seedtest_pipeline", *arguments],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )


def token(subject: str = "u1") -> str:
    return local_issuer.token(Settings.load(), subject, ["exam:write"], 60)


def admitted(token: str) -> Caller:
    """By the authenticator that the environment makes."""

    async def asked() -> Caller:
        authenticator = make_authenticator(Settings.load(), "127.0.0.1")
        await authenticator.start()
        try:
            return await authenticator.authenticate(f"Bearer {token}")
        finally:
            await authenticator.aclose()

    return asyncio.run(asked())


def test_its_token_is_believed_with_the_settings_that_it_prints(home, monkeypatch):
    made = seedtest("token", "--sub", "u17632", "--scope", "exam:write", "--scope", "report:read other", "--ttl", "90")
    assert made.returncode == 0, made.stderr
    for line in made.stderr.splitlines()[1:]:
        export, assignment = shlex.split(line)
        assert export == "export"
        monkeypatch.setenv(*assignment.split("=", 1))
    assert admitted(made.stdout.strip()) == Caller("u17632", frozenset({"exam:write", "report:read", "other"}))
    claims = jwt.decode(made.stdout.strip(), options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 90
    again = seedtest("token")
    assert again.stderr == ""
    assert admitted(again.stdout.strip()) == Caller("local", frozenset({"analysis:run"}))


def test_only_its_owner_may_read_the_key_and_the_document_holds_no_private_half(home):
    token()
    folder = home / "token"
    assert {path.name for path in folder.iterdir()} == {"private.pem", "jwks.json"}
    assert stat.S_IMODE((folder / "private.pem").stat().st_mode) == 0o600
    assert '"d"' not in (folder / "jwks.json").read_text()


def test_first_tokens_made_at_once_are_signed_by_one_key(home, monkeypatch):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(token, "abcdefgh"))
    for name, value in local_issuer.settings_for(home).items():
        monkeypatch.setenv(name, value)
    assert [admitted(one).subject for one in made] == list("abcdefgh")
    assert len(list((home / "token").iterdir())) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [("JWT_ISS", "https://id.example"), ("JWKS_URL", "https://id.example/jwks.json"), ("JWT_AUD", "exam-platform")],
)
def test_where_another_issuer_is_set_it_makes_no_token_and_no_key(home, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(
        InvalidInput, match=f"{name} is {value}: `seedtest token` makes tokens for tries on one machine"
    ):
        token()
    assert not home.exists()


def test_an_authenticator_for_another_issuer_does_not_believe_it(home, provider, start_authenticator):
    with pytest.raises(Unauthenticated):
        start_authenticator(provider.url).authenticate(token())


def test_an_authenticator_for_another_issuer_does_not_believe_it_even_with_its_key(home, start_authenticator):
    signed = token()
    with Provider() as provider:
        provider.say((home / "token" / "jwks.json").read_bytes())
        with pytest.raises(Unauthenticated):
            start_authenticator(provider.url).authenticate(signed)


def test_a_key_file_that_was_spoilt_is_named_with_its_remedy(home):
    token()
    path = home / "token" / "private.pem"
    path.write_text("-----BEGIN NOTHING-----")
    said = seedtest("token")
    assert said.returncode == 1
    assert f"error: {path} holds no key for tokens: delete it" in said.stderr


def test_after_the_key_was_replaced_a_server_that_knows_the_old_one_believes_the_new_one(home, start_authenticator):
    """Both had the same key id, so the server looked for no new key, and refused every token for five minutes."""
    old = token()
    authenticator = start_authenticator(
        local_issuer.settings_for(home)["JWKS_URL"], Ages(cool_down_s=0), local_issuer.NAME
    )
    assert authenticator.authenticate(old).subject == "u1"
    (home / "token" / "private.pem").unlink()
    assert authenticator.authenticate(token("u2")).subject == "u2"
