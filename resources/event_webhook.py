"""Events told to another program over HTTP, signed as Standard Webhooks 1.0 says (standardwebhooks.com).

Whoever has the secret can tell that a message is ours, whole and not an old one sent again.
"""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from resources.errors import InvalidInput, RetryLater

_TIMEOUT_S = 10.0
_PREFIX = "whsec_"


@dataclass(frozen=True)
class Message:
    """The same `data` of the same instant is the same message, however often it is sent."""

    type: str
    timestamp: dt.datetime
    data: object

    @property
    def body(self) -> bytes:
        said = {"type": self.type, "timestamp": self.timestamp.isoformat(), "data": self.data}
        return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()

    @property
    def id(self) -> str:
        return "msg_" + hashlib.sha256(self.body).hexdigest()[:32]


@dataclass(frozen=True)
class EventWebhook:
    """Where events are told, and the secrets that sign them: several, with commas between, while one takes the other's
    place."""

    url: str
    secret: str = field(repr=False)

    def send(self, message: Message, now: dt.datetime) -> None:
        """Once; the receiver has it when this returns.

        Raises:
            RetryLater: no answer, or none that says it was taken.
        """
        host = urlsplit(self.url).hostname
        at, body = str(int(now.timestamp())), message.body
        headers = {
            "content-type": "application/json", "webhook-id": message.id, "webhook-timestamp": at,
            "webhook-signature": signature(self.secret, message.id, at, body),
        }  # fmt: skip
        try:
            answer = httpx.post(self.url, content=body, headers=headers, timeout=_TIMEOUT_S)
        except httpx.HTTPError as error:
            what = f"The receiver of events at {host} does not answer ({type(error).__name__})."
            raise RetryLater(what, where=host) from None
        if not answer.is_success:
            raise RetryLater(f"The receiver of events at {host} answers {answer.status_code}.", where=host)


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """What the header `webhook-signature` has to say: a signature by each of the secrets."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = [hmac.digest(key(one), signed, "sha256") for one in secret.split(",")]
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def check(url: str, secret: str) -> None:
    """Raises:
    InvalidInput: events cannot be told there, or one of the secrets is none.
    """
    try:
        asked = httpx.URL(url)
    except httpx.InvalidURL:
        asked = httpx.URL()
    if asked.scheme not in ("http", "https") or not asked.host:
        raise InvalidInput("EVENT_WEBHOOK_URL is no address", remedy="write it as https://host/path.")
    for one in secret.split(","):
        key(one)


def key(secret: str) -> bytes:
    """Raises:
    InvalidInput: it is not `whsec_` and 24 to 64 bytes in Base64.
    """
    try:
        found = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        found = b""
    if not secret.startswith(_PREFIX) or not 24 <= len(found) <= 64:
        raise InvalidInput(
            "EVENT_WEBHOOK_SECRET is no key of Standard Webhooks",
            remedy="make one: echo whsec_$(openssl rand -base64 32)",
        )
    return found
