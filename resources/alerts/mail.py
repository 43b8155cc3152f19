"""Alerts by e-mail through an SMTP server, encrypted wherever the server can."""

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from resources.errors import InvalidInput, OperatorRequired, RetryLater

_TIMEOUT_S = 10.0
_SUBMISSION_PORT = 587
_SCHEMES = ("smtp", "smtps")


def check_address(url: str) -> None:
    """Raises InvalidInput where `url` is none of `Mail`; the message leaves it out: it may hold a password."""
    if urlsplit(url).scheme not in _SCHEMES or not urlsplit(url).hostname:
        raise InvalidInput("ALERT_SMTP_URL is not of the form smtp://user:password@host:587 or smtps://host:465.")


@dataclass(frozen=True)
class Mail:
    """`url` is `smtp://user:password@host:587` (STARTTLS where the server offers it) or `smtps://…:465` (TLS from the
    start); user and password may be missing."""

    url: str
    sender: str
    recipients: Sequence[str]
    name: str = "mail"

    def send(self, subject: str, text: str) -> str:
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = subject, self.sender, ", ".join(self.recipients)
        message.set_content(text, cte="quoted-printable")  # not every server takes 8 bits
        host = urlsplit(self.url).hostname
        try:
            with self._connected() as server:
                refused = server.send_message(message)
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as error:
            raise OperatorRequired(
                f"The mail server {host} refuses alerts ({type(error).__name__})", where=host,
                remedy="see ALERT_SMTP_URL, ALERT_MAIL_FROM and ALERT_MAIL_TO.",
            ) from None  # fmt: skip
        except (OSError, smtplib.SMTPException) as error:
            raise RetryLater(
                f"The mail server {host} takes no mail now ({type(error).__name__}).", where=host
            ) from None
        who = ", ".join(sorted(refused))
        return f"The mail server {host} refuses {who}, who got no alert: see ALERT_MAIL_TO." if who else ""

    def _connected(self) -> smtplib.SMTP:
        at = urlsplit(self.url)
        host, tls = at.hostname or "", ssl.create_default_context()
        if at.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, at.port or smtplib.SMTP_SSL_PORT, timeout=_TIMEOUT_S, context=tls
            )
        else:
            server = smtplib.SMTP(host, at.port or _SUBMISSION_PORT, timeout=_TIMEOUT_S)
        try:
            server.ehlo()
            encrypted = at.scheme == "smtps"
            if not encrypted and server.has_extn("starttls"):
                server.starttls(context=tls)
                encrypted = True
            if at.username:
                _require(encrypted, host)
                server.login(unquote(at.username), unquote(at.password or ""))
        except BaseException:
            server.close()
            raise
        return server


def _require(encrypted: bool, host: str) -> None:
    if not encrypted:
        raise OperatorRequired(
            f"The mail server {host} offers no encryption, and the password would be sent in the clear",
            where=host,
            remedy="use smtps://, or a server without a password.",
        )
