"""What the commands around the API do. Apart from the pipeline's, since these need neither Dagster nor scipy: a token
takes a second, as in curl -H "Authorization: Bearer $(seedtest token)".
"""

import shlex

import httpx

from resources.errors import InvalidInput, OperatorRequired, RetryLater, SeedtestError
from seedtest_pipeline.api import client
from seedtest_pipeline.api.auth import local_issuer
from seedtest_pipeline.settings import Settings
from seedtest_pipeline.terminal import ERR, OUT


def token(subject: str, scopes: list[str], ttl_s: int) -> None:
    """The token alone goes to standard output, so that a shell can put it into a header."""
    settings = Settings.load()
    OUT.print(local_issuer.token(settings, subject, scopes, ttl_s), markup=False, highlight=False)
    needed = local_issuer.settings_for(settings.home)
    if any(getattr(settings, name.lower()) != value for name, value in needed.items()):
        ERR.print("An API on this machine takes it with these settings:")
        for name, value in needed.items():
            ERR.print(f"export {name}={shlex.quote(value)}", markup=False, highlight=False)


def notify_session_end(user: str, session: str | None, url: str) -> None:
    """Raises:
    RetryLater: the API was out of reach, or busy, for a minute.
    InvalidInput: it refused what it was asked.
    OperatorRequired: it refused the token, or failed.
    """
    token = Settings.load().seedtest_api_token
    if token is None:
        raise InvalidInput("Set SEEDTEST_API_TOKEN to a token that the API takes; on this machine: seedtest token")
    try:
        OUT.print_json(data=client.notify_session_end(url, token.get_secret_value(), user, session))
    except httpx.HTTPStatusError as error:
        raise _refused(error.response) from error
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise RetryLater(f"No answer from {url}: {error}.", remedy="Does it run?") from error


def _refused(answer: httpx.Response) -> SeedtestError:
    said = f"The API answers {answer.status_code}: {answer.text}"
    if answer.status_code in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
        return RetryLater(said)
    if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return OperatorRequired(said, remedy="Look at the token in SEEDTEST_API_TOKEN.")
    return InvalidInput(said)
