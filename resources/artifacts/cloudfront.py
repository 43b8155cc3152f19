"""Links through a CloudFront distribution in front of the bucket, signed with a key pair of its own.

Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html
"""

from collections.abc import Sequence
from pathlib import Path

from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from resources.artifacts.links import Link, expiry, one_folder
from resources.artifacts.store import checked_key
from resources.errors import InvalidInput

_KEY_BITS = 2048  # CloudFront takes no other RSA key


class CloudFrontLinks:
    """One file gets a canned policy, whose link is short; several a custom one, signed once for their folder.

    Whoever holds the link of one format can then open the learner's other one of that week, and nothing else.
    """

    def __init__(self, domain: str, key_pair_id: str, key: RSAPrivateKey) -> None:
        self._address = f"https://{domain}"
        self._signer = CloudFrontSigner(
            key_pair_id,
            lambda message: key.sign(message, PKCS1v15(), hashes.SHA1()),  # noqa: S303 - CloudFront's protocol, not a choice
        )

    def of(self, keys: Sequence[str], expires_s: int) -> list[Link]:
        expires_at, folder = expiry(expires_s), one_folder(keys)
        urls = [f"{self._address}/{checked_key(key)}" for key in keys]
        if len(urls) == 1:
            signed = [self._signer.generate_presigned_url(urls[0], date_less_than=expires_at)]
        else:
            policy = self._signer.build_policy(f"{self._address}/{folder}/*", expires_at)
            signed = [self._signer.generate_presigned_url(url, policy=policy) for url in urls]
        return [Link(url, expires_at) for url in signed]


def read_key(path: Path) -> RSAPrivateKey:
    """The private key in a PEM file.

    Raises:
        InvalidInput: there is none that CloudFront takes.
    """
    setting = f"CLOUDFRONT_PRIVATE_KEY_FILE={path}"
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise InvalidInput(f"{error.strerror}.", where=setting) from error
    except (ValueError, TypeError) as error:  # TypeError: it has a password
        raise InvalidInput(f"{setting} holds no private key in PEM without a password.") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size != _KEY_BITS:
        raise InvalidInput(f"{setting} holds no RSA key of {_KEY_BITS} bits, which is what CloudFront takes.")
    return key
