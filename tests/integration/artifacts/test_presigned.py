"""Presigned links, opened as a browser would: by a server that examines them."""

import datetime as dt
import time

import httpx
import pytest

from resources.artifacts.links import LONGEST_S
from resources.artifacts.presigned import PresignedLinks
from resources.artifacts.s3 import S3Store
from resources.artifacts.store import report_key
from resources.errors import InvalidInput, StoreRefuses
from resources.model import Week
from tests.unit.artifacts.store_contract import HTML, KEY

PDF = KEY.replace(".html", ".pdf")


@pytest.fixture
def store(s3_bucket: str) -> S3Store:
    store = S3Store(s3_bucket, "us-east-1")
    store.put(KEY, b"<html>", HTML)
    store.put(PDF, b"%PDF", "application/pdf")
    return store


def test_a_link_opens_its_file_and_says_until_when(store: S3Store) -> None:
    before = dt.datetime.now(dt.UTC)
    (link,) = PresignedLinks(store).of([KEY], 900)
    page = httpx.get(link.url)
    assert (page.status_code, page.content, page.headers["content-type"]) == (200, b"<html>", HTML)
    assert page.headers["cache-control"] == "private, no-cache"
    assert link.expires_at is not None
    assert dt.timedelta(seconds=899) <= link.expires_at - before.replace(microsecond=0) <= dt.timedelta(seconds=902)


def test_each_format_has_its_own_link(store: S3Store) -> None:
    assert [httpx.get(link.url).content for link in PresignedLinks(store).of([KEY, PDF], 900)] == [b"<html>", b"%PDF"]


@pytest.mark.parametrize("user_id", ["학생", "a/b?c#d", "../x"])
def test_a_link_to_an_odd_users_report_opens_it(store: S3Store, user_id: str) -> None:
    key = report_key(Week.parse("2025-01-06"), user_id, "html")
    store.put(key, user_id.encode(), HTML)
    assert httpx.get(PresignedLinks(store).of([key], 60)[0].url).text == user_id


def test_an_expired_altered_or_borrowed_link_opens_nothing(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    (link,) = PresignedLinks(store).of([KEY], 60)
    monkeypatch.setattr("resources.artifacts.links.SHORTEST_S", 1)
    (short,) = PresignedLinks(store).of([KEY], 1)
    altered = {
        "another file": link.url.replace(".html", ".pdf"),
        "a later end": link.url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"),
        "another signature": link.url[:-1] + ("0" if link.url[-1] != "0" else "1"),
        "no signature": link.url.partition("?")[0],
    }
    assert {how: httpx.get(url).status_code for how, url in altered.items()} == dict.fromkeys(altered, 403)
    assert httpx.put(link.url, content=b"mine").status_code == 403
    time.sleep(2)
    assert httpx.get(short.url).status_code == 403
    assert httpx.get(link.url).status_code == 200


def test_a_link_signed_with_another_secret_opens_nothing(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another one")
    (link,) = PresignedLinks(S3Store(store.bucket, "us-east-1")).of([KEY], 900)
    assert httpx.get(link.url).status_code == 403


def test_without_credentials_no_link_is_made(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StoreRefuses, match="AWS_ACCESS_KEY_ID"):
        PresignedLinks(S3Store(store.bucket, "us-east-1")).of([KEY], 900)


@pytest.mark.parametrize("expires_s", [0, 59, LONGEST_S + 1, -900])
def test_a_link_lasts_no_shorter_and_no_longer_than_it_may(store: S3Store, expires_s: int) -> None:
    with pytest.raises(InvalidInput, match="7 days"):
        PresignedLinks(store).of([KEY], expires_s)


def test_a_link_may_last_as_long_as_s3_allows(store: S3Store) -> None:
    assert httpx.get(PresignedLinks(store).of([KEY], LONGEST_S)[0].url).status_code == 200
