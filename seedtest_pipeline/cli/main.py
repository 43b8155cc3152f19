"""The command `seedtest`: what may be typed, and how it ends. Exit code 0 is fine, 1 failed, 2 wrong usage, 130
interrupted.

The modules of the commands import what is heavy (the database, Dagster, scipy) inside each command: `--help` or a
misspelt option must not wait for them.
"""

import errno
from typing import Annotated, NoReturn

import typer

from resources.errors import SeedtestError
from seedtest_pipeline.cli import (
    api_client,
    artifacts,
    bank,
    comparison,
    data,
    demo,
    doctor,
    forget,
    ingest,
    reports,
    scores,
    services,
    weeks,
)
from seedtest_pipeline.terminal import OUT, complain, leave_at_once_while

app = typer.Typer(
    help="Weekly ability estimates and readable reports for an exam platform.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
)
# In the order in which `--help` lists them.
for command in (
    demo.demo, data.migrate, ingest.ingest, data.items, data.groups, data.goals, bank.calibrate, bank.adopt, weeks.run,
    reports.report, scores.scores, weeks.classes, weeks.cohort, forget.forget, forget.ignored,
    services.ui, services.api, api_client.notify_session_end, services.r_irt, api_client.token, doctor.doctor,
    comparison.compare,
):  # fmt: skip
    app.command()(command)
app.add_typer(artifacts.app, name="artifacts")

# No room, or no permission: a matter between the user and the machine.
_MENDABLE = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}


def main() -> NoReturn:
    """Run a command; an error that the user can mend is one sentence, not a traceback."""
    leave_at_once_while("seedtest_pipeline.cli")
    try:
        app()
    except SeedtestError as error:
        complain(str(error))
    except OSError as error:
        if error.errno not in _MENDABLE:
            raise
        complain(f"{error.strerror}: {error.filename or 'standard output'}")
    raise SystemExit(1)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        OUT.print(version("seedtest-pipeline"), highlight=False)
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Options that stand before any command."""
