"""Alerts by webhook, in the form of Slack's incoming webhooks, which Mattermost and Rocket.Chat take as well."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from resources.errors import OperatorRequired, RetryLater

_TIMEOUT_S = 10.0
# Slack's own mark-up: without these an id such as <!channel> would call everybody. The & comes first.
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))


@dataclass(frozen=True)
class Webhook:
    """`url` is a secret: who knows it may post."""

    url: str
    name: str = "webhook"

    def send(self, subject: str, text: str) -> str:
        body = f"{subject}\n{text}"
        for character, entity in _ESCAPES:
            body = body.replace(character, entity)
        host = urlsplit(self.url).hostname
        try:
            answer = httpx.post(self.url, json={"text": body}, timeout=_TIMEOUT_S)
        except httpx.HTTPError as error:
            raise RetryLater(f"The webhook at {host} does not answer ({type(error).__name__}).", where=host) from None
        if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise RetryLater(f"The webhook at {host} answers {answer.status_code}.", where=host)
        if not answer.is_success:
            raise OperatorRequired(
                f"The webhook at {host} refuses alerts ({answer.status_code})",
                where=host,
                remedy="see ALERT_WEBHOOK_URL.",
            )
        return ""
