"""Links that S3 itself answers, signed with this process's credentials (SigV4).

Those of a role end with its session, however long the link was to last: sign long links with CloudFront.
"""

from collections.abc import Sequence

from resources.artifacts.links import Link, expiry, one_folder
from resources.artifacts.s3 import S3Store
from resources.artifacts.s3_faults import explained


class PresignedLinks:
    """Signs without asking S3."""

    def __init__(self, store: S3Store) -> None:
        self._store = store

    def of(self, keys: Sequence[str], expires_s: int) -> list[Link]:
        expires_at = expiry(expires_s)
        with explained(self._store.address(one_folder(keys))):
            return [Link(self._signed(key, expires_s), expires_at) for key in keys]

    def _signed(self, key: str, expires_s: int) -> str:
        return self._store.client.generate_presigned_url(
            "get_object", Params={"Bucket": self._store.bucket, "Key": key}, ExpiresIn=expires_s
        )
