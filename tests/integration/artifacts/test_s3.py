"""S3 against a real server."""

import pickle
from functools import partial

import boto3
import pytest

from resources.artifacts.ordered_pool import OrderedPool
from resources.artifacts.s3 import S3Store
from resources.artifacts.store import ArtifactStore
from tests.unit.artifacts.store_contract import HTML, KEY, StoreContract


class TestS3Store(StoreContract):
    @pytest.fixture
    def store(self, s3_bucket: str) -> ArtifactStore:
        return S3Store(s3_bucket, "us-east-1")


def test_a_file_says_its_type_its_hash_and_that_no_cache_but_the_readers_own_may_keep_it(s3_bucket: str) -> None:
    assert S3Store(s3_bucket, "us-east-1").put(KEY, b"<html>", HTML) == f"s3://{s3_bucket}/{KEY}"
    head = boto3.client("s3", region_name="us-east-1").head_object(Bucket=s3_bucket, Key=KEY, ChecksumMode="ENABLED")
    assert (head["ContentType"], head["CacheControl"]) == (HTML, "private, no-cache")
    assert "ChecksumSHA256" in head


def test_encryption_is_asked_for_where_it_is_set(s3_bucket: str) -> None:
    S3Store(s3_bucket, "us-east-1", "AES256").put(KEY, b"<html>", HTML)
    head = boto3.client("s3", region_name="us-east-1").head_object(Bucket=s3_bucket, Key=KEY)
    assert head["ServerSideEncryption"] == "AES256"


def test_the_hash_of_a_file_that_another_program_put_there_is_that_of_its_bytes(s3_bucket: str) -> None:
    store = S3Store(s3_bucket, "us-east-1")
    store.put(KEY, b"one", HTML)
    ours = store.sha256(KEY)
    other = boto3.client("s3", region_name="us-east-1")
    other.put_object(Bucket=s3_bucket, Key=KEY, Body=b"two")
    assert store.sha256(KEY) not in (None, ours)
    other.put_object(Bucket=s3_bucket, Key=KEY, Body=b"one")
    assert store.sha256(KEY) == ours


def test_what_is_no_artifact_is_not_listed(s3_bucket: str) -> None:
    store = S3Store(s3_bucket, "us-east-1")
    store.put(KEY, b"x", HTML)
    for name in ("reports/a folder/", "reports/.hidden", "reports/note one.txt"):
        store.client.put_object(Bucket=s3_bucket, Key=name, Body=b"")
    assert list(store.keys("")) == [KEY]


def test_more_files_than_a_page_holds_are_all_listed(s3_bucket: str) -> None:
    store = S3Store(s3_bucket, "us-east-1")
    given = [f"reports/2025-01-06/u{number:04}/weekly_report.html" for number in range(1_003)]
    with OrderedPool() as lanes:
        assert all(
            put.result() for _, put in lanes.in_order((key, partial(store.put, key, b"x", HTML)) for key in given)
        )
    assert list(store.keys("reports")) == given


def test_another_process_gets_a_store_of_the_same_settings_and_connections_of_its_own(s3_bucket: str) -> None:
    """Reports are stored by the processes that make them; a client of boto3 cannot be handed over."""
    store = S3Store(s3_bucket, "us-east-1", "AES256")
    other = pickle.loads(pickle.dumps(store))  # noqa: S301 - our own
    other.put(KEY, b"<html>", HTML)
    head = boto3.client("s3", region_name="us-east-1").head_object(Bucket=s3_bucket, Key=KEY)
    assert head["ServerSideEncryption"] == "AES256"
    assert other.client is not store.client
    assert str(other) == str(store)
