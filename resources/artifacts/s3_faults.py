"""What went wrong in S3, as one of our errors: the one place that knows its codes.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; botocore has already tried again what is
worth another attempt.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    SSLError,
)
from botocore.exceptions import (
    ConnectionError as NoConnection,
)

from resources.errors import ArtifactMissing, RetryLater, SeedtestError, StoreRefuses

_NO_CREDENTIALS = "there are no complete credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give a role"
_NO_PERMISSION = (
    "it denies permission: the credentials need s3:PutObject, s3:GetObject and s3:DeleteObject on the files, "
    "s3:ListBucket on the bucket, and the use of a KMS key where one is set"
)
_OTHER_REGION = "the bucket lies in another region: set AWS_REGION to that one"
_REFUSED = {
    "NoSuchBucket": "there is no such bucket: create it, or name another in S3_BUCKET",
    "InvalidAccessKeyId": "it does not know the access key: correct AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the secret is not that of the access key: correct AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": "the credentials have expired: renew them",
    "InvalidToken": "the session token is not valid: correct AWS_SESSION_TOKEN",
    "RequestTimeTooSkewed": "this machine's clock is wrong: set it",
    "AccessDenied": _NO_PERMISSION,
    "403": f"{_NO_PERMISSION}, and may be mistyped",  # of a HEAD: there is no body to say which
    "PermanentRedirect": _OTHER_REGION,
    "AuthorizationHeaderMalformed": _OTHER_REGION,
    "301": _OTHER_REGION,
}
_MISSING = {"NoSuchKey", "404"}
# Beside every 5xx. BadDigest: the bytes arrived as others than were sent.
_TRANSIENT = {"SlowDown", "Throttling", "RequestLimitExceeded", "RequestTimeout", "OperationAborted", "BadDigest"}
_TOO_MANY_REQUESTS, _SERVER_ERROR = 429, 500


@contextmanager
def explained(address: str) -> Iterator[None]:
    """A request about `address` (s3://bucket/key).

    Raises:
        RetryLater: S3 gives no answer, half of one, or says that it cannot answer now.
        ArtifactMissing: there is no such file.
        StoreRefuses: the bucket, the credentials or a setting is wrong: it would refuse every other file too.
    """
    try:
        yield
    except ClientError as error:
        raise _refusal(error, address) from error
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as error:
        raise StoreRefuses(f"S3 cannot be asked for {address}: {_NO_CREDENTIALS}.", where=address) from error
    except SSLError as error:
        raise StoreRefuses(
            f"S3 cannot be trusted with {address}: {error}.", where=address, remedy="Is AWS_CA_BUNDLE right?"
        ) from error
    except (NoConnection, HTTPClientError, IncompleteReadError, FlexibleChecksumError) as error:
        raise RetryLater(
            f"S3 gives no whole answer about {address}: {_first_line(error)}.", where=address, remedy="Try again later."
        ) from error
    except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint that is no address
        raise StoreRefuses(f"S3 cannot be asked for {address}: {_first_line(error)}.", where=address) from error


def _refusal(error: ClientError, address: str) -> SeedtestError:
    code = error.response["Error"].get("Code", "")
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if code in _MISSING:
        return ArtifactMissing(f"There is no artifact {address}.", where=address)
    if code in _TRANSIENT or status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR:
        return RetryLater(
            f"S3 cannot answer about {address} now ({code}, status {status}).", where=address, remedy="Try again later."
        )
    if code.startswith("KMS."):
        return StoreRefuses(
            f"S3 cannot encrypt {address}: {_said(error)}.",
            where=address,
            remedy="Check S3_SSE_KMS_KEY_ID and its policy.",
        )
    return StoreRefuses(f"S3 refuses {address}: {_REFUSED.get(code) or f'{_said(error)} ({code})'}.", where=address)


def _said(error: ClientError) -> str:
    return error.response["Error"].get("Message", "").rstrip(".") or "no reason given"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
