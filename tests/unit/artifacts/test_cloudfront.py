"""What CloudFront examines, by the text of its documentation: the policy, its base64 and its RSA-SHA1 signature.

Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html
and private-content-creating-signed-url-custom-policy.html beside it.
"""

import base64
import json
import time
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from resources.artifacts.cloudfront import CloudFrontLinks, read_key
from resources.artifacts.folder import FolderStore
from resources.artifacts.links import FileLinks, Link, Links
from resources.errors import InvalidInput
from tests.unit.artifacts.store_contract import KEY

PDF = KEY.replace(".html", ".pdf")
BASE = "https://d111111abcdef8.cloudfront.net"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def links(key: rsa.RSAPrivateKey) -> CloudFrontLinks:
    return CloudFrontLinks("d111111abcdef8.cloudfront.net", "K2JCJMDEHXQW5F", key)


def decoded(text: str) -> bytes:
    """CloudFront's base64 for URLs: - for +, _ for =, ~ for /."""
    return base64.b64decode(text.replace("-", "+").replace("_", "=").replace("~", "/"), validate=True)


def query(link: Link) -> dict[str, str]:
    """In the form that CloudFront reads, without the percent signs of any other encoding."""
    assert "%" not in link.url
    return dict(parse_qsl(urlsplit(link.url).query, strict_parsing=True))


def verify(key: rsa.RSAPrivateKey, signature: str, policy: bytes) -> None:
    key.public_key().verify(decoded(signature), policy, PKCS1v15(), hashes.SHA1())  # noqa: S303 - CloudFront's


def epoch(link: Link) -> int:
    assert link.expires_at is not None
    return int(link.expires_at.timestamp())


def test_one_file_has_a_canned_policy(links: CloudFrontLinks, key: rsa.RSAPrivateKey) -> None:
    before = int(time.time())
    (link,) = links.of([KEY], 900)
    assert 900 <= epoch(link) - before <= 902
    assert link.url.partition("?")[0] == f"{BASE}/{KEY}"
    given = query(link)
    assert list(given) == ["Expires", "Signature", "Key-Pair-Id"]
    assert (given["Expires"], given["Key-Pair-Id"]) == (str(epoch(link)), "K2JCJMDEHXQW5F")
    canned = (
        f'{{"Statement":[{{"Resource":"{BASE}/{KEY}","Condition":{{"DateLessThan":'
        f'{{"AWS:EpochTime":{epoch(link)}}}}}}}]}}'
    )
    verify(key, given["Signature"], canned.encode())
    for altered in (canned.replace(".html", ".pdf"), canned.replace(str(epoch(link)), str(epoch(link) + 1))):
        with pytest.raises(InvalidSignature):
            verify(key, given["Signature"], altered.encode())


def test_both_formats_have_one_custom_policy_for_their_folder_and_nothing_else(
    links: CloudFrontLinks, key: rsa.RSAPrivateKey
) -> None:
    both = links.of([KEY, PDF], 900)
    assert [link.url.partition("?")[0] for link in both] == [f"{BASE}/{KEY}", f"{BASE}/{PDF}"]
    assert query(both[0]) == query(both[1])
    given = query(both[0])
    assert list(given) == ["Policy", "Signature", "Key-Pair-Id"]
    policy = decoded(given["Policy"])
    assert json.loads(policy) == {
        "Statement": [
            {
                "Resource": f"{BASE}/reports/2025-01-06/u1/*",
                "Condition": {"DateLessThan": {"AWS:EpochTime": epoch(both[0])}},
            }
        ]
    }
    verify(key, given["Signature"], policy)


def test_a_signature_of_another_key_is_none(links: CloudFrontLinks) -> None:
    (link,) = links.of([KEY], 900)
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(InvalidSignature):
        verify(other, query(link)["Signature"], b"")


@pytest.fixture(params=["cloudfront", "folder"])
def either(request: pytest.FixtureRequest, links: CloudFrontLinks, tmp_path: Path) -> Links:
    """Both refuse alike: what a platform tries on a folder must not fail first in production."""
    return links if request.param == "cloudfront" else FileLinks(FolderStore(tmp_path))


@pytest.mark.parametrize("others", [["reports/2025-01-06/u2/weekly_report.html"], ["reports/2025-01-13/u1/x.html"]])
def test_files_of_two_learners_or_weeks_never_share_a_signature(either: Links, others: list[str]) -> None:
    with pytest.raises(InvalidInput, match="one folder"):
        either.of([KEY, *others], 900)
    with pytest.raises(InvalidInput, match="one folder"):
        either.of([], 900)


@pytest.mark.parametrize("expires_s", [0, 59, 7 * 24 * 3600 + 1])
def test_an_expiry_out_of_bounds_is_refused(either: Links, expires_s: int) -> None:
    with pytest.raises(InvalidInput, match="7 days"):
        either.of([KEY], expires_s)


@pytest.mark.parametrize("expires_s", [60, 7 * 24 * 3600])
def test_a_minute_and_seven_days_are_within_the_bounds(either: Links, expires_s: int) -> None:
    assert len(either.of([KEY], expires_s)) == 1


def test_a_folders_link_is_the_files_own_address_and_does_not_end(tmp_path: Path) -> None:
    links = FileLinks(FolderStore(tmp_path)).of([KEY, PDF], 900)
    assert links == [Link((tmp_path / name).as_uri(), None) for name in (KEY, PDF)]


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def test_the_key_is_read_from_its_file(key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    for form in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL):
        file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        assert read_key(file).private_numbers() == key.private_numbers()


def test_a_file_without_a_key_that_cloudfront_takes_is_named_with_what_is_wrong(
    key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    wrong = {
        "no private key in PEM": b"ssh-rsa AAAA",
        "without a password": pem(key, b"secret"),
        "no RSA key of 2048 bits": pem(ec.generate_private_key(ec.SECP256R1())),
        "RSA key of 2048": pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),  # noqa: S505
    }
    for complaint, content in wrong.items():
        (tmp_path / "key.pem").write_bytes(content)
        with pytest.raises(InvalidInput, match=complaint):
            read_key(tmp_path / "key.pem")
    with pytest.raises(InvalidInput, match="No such file"):
        read_key(tmp_path / "none.pem")
