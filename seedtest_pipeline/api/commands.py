"""What the commands around the API do. Apart from the pipeline's, since these need neither Dagster nor scipy: a token
takes a second, as in curl -H "Authorization: Bearer $(seedtest token)".
"""

import shlex

from seedtest_pipeline.api import local_issuer
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
