import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine
from tests.integration.s3_server import S3Server, shared_server


@pytest.fixture
def engine(database_url) -> sa.Engine:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def s3_server(server_home: Path) -> Iterator[S3Server]:
    with shared_server(server_home.with_name("s3 server")) as server:
        yield server


@pytest.fixture
def s3_bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket for one test, and an environment in which boto3 finds it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    bucket = f"test-{uuid.uuid4().hex}"
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket=bucket)
    yield bucket
    client.delete_bucket(Bucket=bucket)  # SeaweedFS deletes what is in it, too
