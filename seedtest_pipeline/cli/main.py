"""The command `seedtest`: what may be typed. Exit code 0 is fine, 1 failed, 2 wrong usage, 130 interrupted.

What a command does is in `commands`, imported when one runs: the database, Dagster and scipy take seconds to import,
and `--help` or a misspelt option must not wait for them.
"""

import errno
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from resources.errors import SeedtestError
from seedtest_pipeline.terminal import complain, leave_at_once_while

app = typer.Typer(
    help="Weekly ability estimates and readable reports for an exam platform.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
)
artifacts = typer.Typer(help="Finished reports: which are kept, and whether they are whole.", no_args_is_help=True)
app.add_typer(artifacts, name="artifacts")

WeekOption = Annotated[str, typer.Option(metavar="MONDAY", help="The week, as its Monday: 2025-01-06.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
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


@app.command()
def demo() -> None:
    """Run the whole pipeline on a synthetic exam: 200 learners, 8 weeks, a report for each learner and week."""
    from seedtest_pipeline.cli import commands

    commands.demo()


@app.command()
def migrate(
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove everything that this pipeline made instead.")
    ] = False,
) -> None:
    """Bring the database to the newest schema. What the platform owns stays as it is."""
    from seedtest_pipeline.cli import commands

    if remove:
        typer.confirm("This deletes all estimates, banks and catalogue rows of this pipeline. Go on?", abort=True)
        commands.remove()
    else:
        commands.migrate()


@app.command()
def ingest(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet with the columns of the README.", show_default=False)],
    exam: Annotated[str, typer.Option(help="The exam's id.")] = "ingested",
    as_json: AsJson = False,
) -> None:
    """Load responses from a file into exam_results. A second run of the same file changes nothing."""
    from seedtest_pipeline.cli import commands

    commands.ingest(file, exam, as_json)


@app.command()
def calibrate(as_json: AsJson = False) -> None:
    """Estimate item parameters from all answers: a new item bank, linked to the one in force, for `adopt`."""
    from seedtest_pipeline.cli import commands

    commands.calibrate(as_json)


@app.command()
def adopt(version: Annotated[str, typer.Argument(help="The bank's version, as `calibrate` names it.")]) -> None:
    """Put an item bank in force: from now on, estimates use it."""
    from seedtest_pipeline.cli import commands

    commands.adopt(version)


@app.command()
def run(
    week: WeekOption,
    through: Annotated[
        str | None, typer.Option(metavar="MONDAY", help="Run all weeks from --week to this one.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Only this user, by the platform's id.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a week: responses, abilities and reports, as the schedule does."""
    from seedtest_pipeline.cli import commands

    commands.run(week, through, user, as_json)


@app.command()
def report(
    user: Annotated[str, typer.Option(help="The user, by the platform's id.")],
    week: WeekOption,
    form: Annotated[Literal["html", "pdf"] | None, typer.Option("--format", help="Only this format.")] = None,
    link: Annotated[bool, typer.Option("--link", help="Print a link that opens it for REPORT_LINK_SECS.")] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print where a learner's report of a week is."""
    from seedtest_pipeline.cli import commands

    commands.report(user, week, form, link, open_it, as_json)


@artifacts.command()
def prune(
    before: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Weeks that were over by this day.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete the reports of old weeks, files and rows; abilities and responses stay."""
    from seedtest_pipeline.cli import commands

    commands.prune(before.date(), dry_run, yes, as_json)


@artifacts.command()
def check(
    hashes: Annotated[bool, typer.Option("--hashes", help="Compare every file's bytes, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the files of all reports with their rows, in both directions; exit code 1 where they differ."""
    from seedtest_pipeline.cli import commands

    raise typer.Exit(0 if commands.check(hashes, as_json) else 1)


@app.command()
def cohort(
    week: WeekOption,
    link: Annotated[bool, typer.Option("--link", help="Print a link that opens it for REPORT_LINK_SECS.")] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the staff's report of a week from its estimates, and print where it is. Needs Quarto and R."""
    from seedtest_pipeline.cli import commands

    commands.cohort(week, link, open_it, as_json)


@app.command()
def ui(port: Annotated[int, typer.Option(help="Port on loopback.", min=1, max=65535)] = 3000) -> None:
    """Open Dagster's UI, with the daemon that runs the schedule and the sensor. Ctrl-C ends both."""
    from seedtest_pipeline.cli import commands

    commands.ui(port)


@app.command()
def api(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
) -> None:
    """Serve the on-demand API until SIGTERM or Ctrl-C."""
    from seedtest_pipeline.api import server
    from seedtest_pipeline.settings import Settings

    server.serve(Settings.load(), host, port)


@app.command("notify-session-end")
def notify_session_end(
    user: Annotated[str, typer.Option(help="Whose session has ended, by the platform's id.")],
    session: Annotated[str | None, typer.Option(help="Which session, for the API's log.")] = None,
    url: Annotated[str, typer.Option(help="Address of the API.")] = "http://127.0.0.1:8000",
) -> None:
    """Have the API estimate a user's ability now, with the token in SEEDTEST_API_TOKEN; prints its answer."""
    from seedtest_pipeline.cli import api_commands

    api_commands.notify_session_end(user, session, url)


@app.command("r-irt")
def r_irt(port: Annotated[int, typer.Option(help="Port on loopback.", min=1, max=65535)] = 8010) -> None:
    """Run the R service r-irt-plumber in the foreground; R_IRT_BASE_URL=http://127.0.0.1:8010 makes others use it."""
    from seedtest_pipeline.cli import commands

    commands.r_irt(port)


@app.command()
def token(
    sub: Annotated[str, typer.Option(help="Whom it speaks for: a user's id, or a service's name.")] = "local",
    scope: Annotated[
        list[str], typer.Option(help="What it allows; repeat it for several. Others: exam:write, report:read.")
    ] = ["analysis:run"],  # noqa: B006 - typer copies it
    ttl: Annotated[int, typer.Option(help="Seconds for which it is valid.", min=1, max=86_400)] = 3600,
) -> None:
    """Print a token for tries of the API on this machine, signed by a key made here. It is good nowhere else."""
    from seedtest_pipeline.cli import api_commands

    api_commands.token(sub, scope, ttl)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Examine every part: green, or red with what to do."""
    from seedtest_pipeline.cli import commands

    raise typer.Exit(0 if commands.doctor(as_json) else 1)
