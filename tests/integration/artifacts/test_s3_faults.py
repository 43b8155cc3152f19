"""Whatever goes wrong with S3, there is a whole file after a retry, or one error that says where and what to do."""

import hashlib
from collections.abc import Callable, Iterator

import boto3
import pytest
from botocore.retries.standard import ExponentialBackoff

from resources.artifacts.presigned import PresignedLinks
from resources.artifacts.s3 import Patience, S3Store
from resources.artifacts.store import ArtifactStore
from resources.errors import RetryLater, SeedtestError, StoreRefuses
from tests.integration.faulty_proxy import FaultyProxy, body, dropped, faulty_proxy, half_a_body, silent, status
from tests.s3_server import S3Server
from tests.unit.artifacts.store_contract import HTML, KEY

PATIENT = Patience(connect_s=60, read_s=60, attempts=3)
# For what never answers. Long enough for a true answer on a busy machine; every attempt at a silent one costs it.
IMPATIENT = Patience(connect_s=60, read_s=3, attempts=2)


def said(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>Because.</Message></Error>".encode()


SLOW_DOWN = status(503, said("SlowDown"))

ACTS: dict[str, Callable[[ArtifactStore], object]] = {
    "put": lambda store: store.put(KEY, b"one", HTML),
    "read": lambda store: store.read(KEY),
    "tail": lambda store: store.tail(KEY, 3),
    "names": lambda store: list(store.names("reports")),
    "sha256": lambda store: store.sha256(KEY),
    "delete": lambda store: store.delete(KEY),
    "keys": lambda store: list(store.keys("reports")),
}


def each(act: Callable[[ArtifactStore], object], store: ArtifactStore) -> str:
    """The error's sentence, beginning with its class."""
    with pytest.raises(SeedtestError) as caught:
        act(store)
    assert "\n" not in str(caught.value)
    return f"{type(caught.value).__name__}: {caught.value}"


@pytest.fixture
def proxy(s3_server: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    boto3.client("s3").put_object(Bucket=s3_bucket, Key=KEY, Body=b"zero", ChecksumAlgorithm="SHA256")
    # The pauses between attempts are botocore's: without them this file takes seconds.
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)
    with faulty_proxy(s3_server.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
        yield proxy


@pytest.fixture
def store(s3_bucket: str, proxy: FaultyProxy) -> S3Store:
    return S3Store(s3_bucket, "us-east-1", patience=PATIENT)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    "fault", [SLOW_DOWN, status(500), status(502), dropped], ids=["slow down", "500", "502", "dropped"]
)
def test_what_passes_is_tried_again(store: S3Store, proxy: FaultyProxy, act: str, fault: Callable[..., None]) -> None:
    proxy.faults = [fault, fault]
    ACTS[act](store)
    assert proxy.seen == 3
    left = {"put": b"one", "delete": None}.get(act, b"zero")
    assert store.sha256(KEY) == (hashlib.sha256(left).hexdigest() if left else None)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    ("fault", "reason"),
    [(SLOW_DOWN, "503"), (status(500), "500"), (dropped, "no whole answer")],
    ids=["slow down", "500", "dropped"],
)
def test_what_does_not_pass_is_told_after_so_many_attempts(
    store: S3Store, proxy: FaultyProxy, act: str, fault: Callable[..., None], reason: str
) -> None:
    proxy.faults = [fault] * 99
    told = each(ACTS[act], store)
    assert told.startswith("RetryLater: S3")
    assert f"s3://{store.bucket}/" in told
    assert reason in told
    assert proxy.seen == PATIENT.attempts


def test_a_silent_server_is_given_up_and_tried_again(s3_bucket: str, proxy: FaultyProxy) -> None:
    store = S3Store(s3_bucket, "us-east-1", patience=IMPATIENT)
    proxy.faults = [silent]
    assert store.read(KEY) == b"zero"
    assert proxy.seen == 2
    proxy.faults = [silent] * 99
    assert "no whole answer" in each(ACTS["read"], store)
    assert proxy.seen == 2 + IMPATIENT.attempts


def test_half_a_file_is_never_taken_for_a_whole_one(store: S3Store, proxy: FaultyProxy) -> None:
    proxy.faults = [half_a_body]
    with pytest.raises(RetryLater, match=KEY):
        store.read(KEY)


def test_a_file_that_arrives_changed_is_refused(store: S3Store, proxy: FaultyProxy) -> None:
    proxy.faults = [body(bytes.swapcase)]
    with pytest.raises(RetryLater, match=KEY):
        store.read(KEY)
    assert store.read(KEY) == b"zero"


def test_nobody_there_is_told_with_the_address(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    told = each(ACTS["put"], S3Store(s3_bucket, patience=PATIENT))
    assert told.startswith("RetryLater: S3 gives no whole answer")
    assert "127.0.0.1:9" in told


def test_a_wrong_key_or_secret_is_told_with_the_setting(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    wrong_secret = S3Store(s3_bucket)
    for act in ("put", "read", "delete", "keys"):
        assert "correct AWS_SECRET_ACCESS_KEY" in each(ACTS[act], wrong_secret)
    assert each(ACTS["sha256"], wrong_secret).startswith("StoreRefuses: S3 refuses s3://")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    assert "correct AWS_ACCESS_KEY_ID" in each(ACTS["put"], S3Store(s3_bucket))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "set AWS_ACCESS_KEY_ID" in each(ACTS["put"], S3Store(s3_bucket))


def test_a_missing_bucket_is_told_with_its_name(s3_bucket: str) -> None:
    nowhere = S3Store(f"{s3_bucket}-x")
    for act in ("put", "read", "keys"):
        told = each(ACTS[act], nowhere)
        assert told.startswith("StoreRefuses")
        assert f"{s3_bucket}-x" in told
        assert "S3_BUCKET" in told


def test_a_bucket_name_that_none_can_have_is_told(s3_bucket: str) -> None:
    assert each(ACTS["put"], S3Store("no bucket")).startswith("StoreRefuses")


def test_a_key_that_may_only_read_is_told_what_it_needs(
    s3_server: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    S3Store(s3_bucket).put(KEY, b"one", HTML)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.reader)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.reader_secret)
    reader = S3Store(s3_bucket)
    assert reader.read(KEY) == b"one"
    assert list(reader.keys("reports")) == [KEY]
    for act in ("put", "delete"):
        told = each(ACTS[act], reader)
        assert told.startswith("StoreRefuses")
        assert "s3:PutObject" in told


@pytest.mark.parametrize(
    ("code", "status_code", "told"),
    [
        ("ExpiredToken", 400, "renew"),
        ("RequestTimeTooSkewed", 403, "clock"),
        ("KMS.DisabledException", 400, "S3_SSE_KMS_KEY_ID"),
        ("AuthorizationHeaderMalformed", 400, "AWS_REGION"),
        ("SomethingNew", 400, "Because (SomethingNew)"),
    ],
)
def test_what_else_s3_may_refuse_is_told_with_the_remedy(
    store: S3Store, proxy: FaultyProxy, code: str, status_code: int, told: str
) -> None:
    proxy.faults = [status(status_code, said(code))] * 5
    with pytest.raises(StoreRefuses, match="s3://") as caught:
        store.put(KEY, b"one", HTML)
    assert told in str(caught.value)


def test_an_endpoint_that_is_no_address_is_told(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "not an address")
    with pytest.raises(StoreRefuses, match="not an address"):
        S3Store(s3_bucket)


AMAZON = "https://reports.s3.eu-central-1.amazonaws.com"


@pytest.mark.parametrize(
    ("endpoint", "bucket_at"), [("", AMAZON), ("http://storage:9000", "http://storage:9000/reports")]
)
def test_a_bucket_of_amazon_is_in_the_hosts_name_with_its_region_and_elsewhere_in_the_path(
    endpoint: str, bucket_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left to itself, boto3 signs for a host without the region, and the redirect to the right one is refused."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    (link,) = PresignedLinks(S3Store("reports", "eu-central-1")).of([KEY], 900)
    assert link.url.startswith(f"{bucket_at}/{KEY}?X-Amz-Algorithm=AWS4-HMAC-SHA256")
