"""Commands for whoever calls the API: `notify-session-end` and `token`. They need neither Dagster nor scipy."""

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from resources.errors import InvalidInput, OperatorRequired, RetryLater, SeedtestError
from seedtest_pipeline.terminal import ERR, OUT

if TYPE_CHECKING:
    from seedtest_pipeline.api.client_types import Refused


def notify_session_end(
    user: Annotated[str, typer.Option(help="Whose session has ended, by the platform's id.")],
    session: Annotated[str | None, typer.Option(help="Which session, for the API's log.")] = None,
    url: Annotated[str, typer.Option(help="Address of the API.")] = "http://127.0.0.1:8000",
) -> None:
    """Have the API estimate a user's ability now, with the token in SEEDTEST_API_TOKEN; prints its answer."""
    import httpx

    from seedtest_pipeline.api import client, client_types
    from seedtest_pipeline.settings import Settings

    token = Settings.load().seedtest_api_token
    if token is None:
        raise InvalidInput("Set SEEDTEST_API_TOKEN to a token that the API takes; on this machine: seedtest token")
    try:
        with client.Client(url, token.get_secret_value()) as api:
            OUT.print_json(data=api.update_theta(user, session))
    except client_types.Refused as error:
        raise _refused(error) from error
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise RetryLater(f"No answer from {url}: {error}.", remedy="Does it run?") from error


def token(
    sub: Annotated[str, typer.Option(help="Whom it speaks for: a user's id, or a service's name.")] = "local",
    scope: Annotated[
        list[str],
        typer.Option(help="What it allows; repeat it for several. Others: exam:write, report:read, class:read."),
    ] = ["analysis:run"],  # noqa: B006 - typer copies it
    ttl: Annotated[int, typer.Option(help="Seconds for which it is valid.", min=1, max=86_400)] = 3600,
) -> None:
    """Print a token for tries of the API on this machine, signed by a key made here. It is good nowhere else."""
    from seedtest_pipeline.api.auth import local_issuer
    from seedtest_pipeline.settings import Settings

    settings = Settings.load()
    # The token alone goes to standard output, so that a shell can put it into a header.
    OUT.print(local_issuer.token(settings, sub, scope, ttl), markup=False, highlight=False)
    needed = local_issuer.settings_for(settings.home)
    if any(getattr(settings, name.lower()) != value for name, value in needed.items()):
        ERR.print("An API on this machine takes it with these settings:")
        for name, value in needed.items():
            ERR.print(f"export {name}={shlex.quote(value)}", markup=False, highlight=False)


def _refused(error: "Refused") -> SeedtestError:
    from seedtest_pipeline.api.client import LATER

    said = f"The API answers {error}"
    if error.response.status_code in LATER:
        return RetryLater(said)
    if error.response.status_code in (401, 403):
        return OperatorRequired(said, remedy="Look at the token in SEEDTEST_API_TOKEN.")
    return InvalidInput(said)
