"""Artifacts in a bucket of S3, or of a server that speaks its protocol.

Credentials, the endpoint and proxies are boto3's own matter, as its documentation says (AWS_ACCESS_KEY_ID,
AWS_ENDPOINT_URL_S3 and so on). Stays out: links (`links`), and which error a fault is (`s3_faults`).
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from resources.artifacts.ordered_pool import AT_ONCE
from resources.artifacts.s3_faults import explained
from resources.artifacts.store import checked_key, is_key
from resources.errors import ArtifactMissing

if TYPE_CHECKING:  # type stubs: there when the code is checked, and not when it runs
    from mypy_boto3_s3 import S3Client

# A report is personal, and may be made again: kept by the reader's own browser alone, and asked for anew each time.
_CACHE_CONTROL = "private, no-cache"
Sse = Literal["none", "AES256", "aws:kms"]
_AMAZON = (".amazonaws.com", ".amazonaws.com.cn")


@dataclass(frozen=True)
class Patience:
    """Seconds to connect and to wait for the next byte, and how often a request is tried in all.

    The attempts are botocore's "standard" ones: after time-outs, dropped connections, 5xx and throttling, with jittered
    pauses of up to 20 s, and fewer of them once many requests fail. Nothing else here tries again.
    """

    connect_s: float = 3.0
    read_s: float = 10.0
    attempts: int = 4


class _Encryption(TypedDict, total=False):
    ServerSideEncryption: Literal["AES256", "aws:kms"]
    SSEKMSKeyId: str


class S3Store:
    """An ArtifactStore in `bucket`, which must exist. Thread-safe; connects only when used.

    `sse` is asked for with each file; `none` leaves it to the bucket's own default.
    """

    def __init__(
        self,
        bucket: str,
        region: str | None = None,
        sse: Sse = "none",
        sse_kms_key_id: str | None = None,
        patience: Patience = Patience(),
    ) -> None:
        self._given = (bucket, region, sse, sse_kms_key_id, patience)
        self.bucket = bucket
        self._encryption = _Encryption()
        if sse != "none":
            self._encryption["ServerSideEncryption"] = sse
        if sse_kms_key_id:
            self._encryption["SSEKMSKeyId"] = sse_kms_key_id
        with explained(f"s3://{bucket}"):
            self.client = _client(region, patience)

    def __reduce__(self) -> tuple[type["S3Store"], tuple[object, ...]]:
        """Another process opens connections of its own."""
        return S3Store, self._given

    def put(self, key: str, content: bytes, content_type: str) -> str:
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        with explained(self.address(key)):
            self.client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=content,
                ContentType=content_type,
                CacheControl=_CACHE_CONTROL,
                ChecksumSHA256=digest,  # the server computes it too, refuses what differs, and keeps it
                **self._encryption,
            )
        return self.address(key)

    def read(self, key: str) -> bytes:
        with explained(self.address(key)):
            return self.client.get_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")["Body"].read()

    def tail(self, key: str, size: int) -> bytes:
        """Its last bytes, `size` at most. Raises ArtifactMissing."""
        with explained(self.address(key)):
            return self.client.get_object(Bucket=self.bucket, Key=key, Range=f"bytes=-{size}")["Body"].read()

    def sha256(self, key: str) -> str | None:
        """As the server computed it; of a file that another program put there without, its bytes are read."""
        try:
            with explained(self.address(key)):
                head = self.client.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
            if kept := head.get("ChecksumSHA256"):
                return base64.b64decode(kept).hex()
            return hashlib.sha256(self.read(key)).hexdigest()
        except ArtifactMissing:
            return None

    def delete(self, key: str) -> None:
        with explained(self.address(key)):
            self.client.delete_object(Bucket=self.bucket, Key=key)

    def keys(self, prefix: str) -> Iterator[str]:
        folder = f"{checked_key(prefix)}/" if prefix else ""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=folder)
        with explained(f"s3://{self.bucket}/{folder}"):
            for page in pages:
                yield from (found["Key"] for found in page.get("Contents", ()) if is_key(found["Key"]))

    def names(self, folder: str) -> Iterator[str]:
        """Of what lies directly in the folder, ascending."""
        prefix = f"{checked_key(folder)}/"
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/")
        with explained(f"s3://{self.bucket}/{prefix}"):
            for page in pages:
                files = [found["Key"] for found in page.get("Contents", ())]
                folders = [found["Prefix"].removesuffix("/") for found in page.get("CommonPrefixes", ())]
                yield from sorted(name.removeprefix(prefix) for name in (*files, *folders) if is_key(name))

    def address(self, key: str) -> str:
        return f"s3://{self.bucket}/{checked_key(key)}"

    def __str__(self) -> str:
        """For people: bucket, region and server."""
        meta = self.client.meta
        return f"s3://{self.bucket} in {meta.region_name} at {meta.endpoint_url}"


def _client(region: str | None, patience: Patience) -> "S3Client":
    """Amazon has a host per bucket and region, and a link has to be signed for it; other servers have one for all."""
    session = boto3.Session(region_name=region)
    config = Config(
        signature_version="s3v4",
        connect_timeout=patience.connect_s,
        read_timeout=patience.read_s,
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
        max_pool_connections=AT_ONCE,
        tcp_keepalive=True,
    )
    endpoint = session.client("s3", config=config).meta.endpoint_url  # wherever boto3 may have it from
    style: Literal["virtual", "path"] = "virtual" if (urlsplit(endpoint).hostname or "").endswith(_AMAZON) else "path"
    return session.client("s3", config=config.merge(Config(s3={"addressing_style": style})))
