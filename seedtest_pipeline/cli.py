"""The command `seedtest`: thin commands over the parts. Exit code 0 is fine, 1 failed, 2 wrong usage."""

import datetime as dt
import shlex
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import pyarrow.compute as pc
import typer
from rich.markup import escape

from resources.database import artifacts, attempts, banks, response_file
from resources.database import ingest as loading
from resources.database import migrate as migrations
from resources.database.advice import missing_indexes
from resources.database.engine import address, transaction
from resources.errors import FixTheData, SeedtestError
from resources.irt import r_process
from resources.model import Week
from seedtest_pipeline import demo as demonstration
from seedtest_pipeline import doctor as examination
from seedtest_pipeline.runs import Outcome, Runner, prepare_dagster_home
from seedtest_pipeline.settings import CHECKOUT, Settings, prepare_process, remember, set_by_environment
from seedtest_pipeline.terminal import ERR, OUT, bars, complain, facts
from seedtest_pipeline.wiring import Parts

app = typer.Typer(
    help="Weekly ability estimates and readable reports for an exam platform.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
)


def main() -> NoReturn:
    """Run a command; an error that the user can mend is one sentence, not a traceback."""
    try:
        app()
    except SeedtestError as error:
        complain(str(error))
    raise SystemExit(1)


def _week(text: str) -> Week:
    try:
        return Week.parse(text)
    except FixTheData as error:
        raise typer.BadParameter(str(error)) from error


WeekOption = Annotated[Week, typer.Option(parser=_week, metavar="MONDAY", help="The week, as its Monday: 2025-01-06.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]


def _parts() -> Parts:
    settings = Settings.load()
    prepare_process()
    prepare_dagster_home(settings)
    return Parts(settings)


@app.command()
def demo() -> None:
    """Run the whole pipeline on a synthetic exam: 200 learners, 8 weeks, a report for each learner and week."""
    demonstration.play(_parts().settings)


@app.command()
def migrate(
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove everything that this pipeline made instead.")
    ] = False,
) -> None:
    """Bring the database to the newest schema. What the platform owns stays as it is."""
    parts = _parts()
    if remove:
        typer.confirm("This deletes all estimates, banks and catalogue rows of this pipeline. Go on?", abort=True)
        migrations.downgrade(parts.bare_engine)
        OUT.print("Removed what this pipeline had made; the platform's tables are as they were.")
        return
    migrations.upgrade(parts.bare_engine)
    OUT.print(f"{address(parts.bare_engine.url)} is at the newest schema, {migrations.state(parts.bare_engine).head}.")
    for sentence in missing_indexes(parts.bare_engine):
        ERR.print(sentence, highlight=False)


@app.command()
def ingest(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet with the columns of the README.", show_default=False)],
    exam: Annotated[str, typer.Option(help="The exam's id.")] = "ingested",
    as_json: AsJson = False,
) -> None:
    """Load responses from a file into exam_results. A second run of the same file changes nothing."""
    parts = _parts()
    begun = time.monotonic()
    with bars() as progress:
        responses = response_file.read(file)
        with transaction(parts.engine) as connection:
            loaded = loading.ingest(connection, responses, exam, partial(progress, "responses"))
            user_ids = attempts.users(connection)
    seconds = time.monotonic() - begun
    answered_at = responses.responses["answered_at"]
    first_week, last_week = Week.containing(pc.min(answered_at).as_py()), Week.containing(pc.max(answered_at).as_py())
    if first_week < parts.partitions.first_week:
        _begin_weeks_at(parts.settings, first_week)
    _show(
        {
            "responses": loaded.responses,
            "sessions, new": loaded.new,
            "sessions, grown": loaded.grown,
            "sessions, there already": loaded.unchanged,
            "weeks": f"{first_week} to {last_week}",
            "seconds": round(seconds, 1),
            "responses a second": round(loaded.responses / seconds),
        },
        as_json,
    )
    for note in responses.notes:
        ERR.print(note, highlight=False)
    if complaint := parts.partitions.users.outgrown(len(user_ids)):
        ERR.print(complaint, highlight=False)


@app.command()
def calibrate(as_json: AsJson = False) -> None:
    """Estimate item parameters from all answers: a new item bank, linked to the one in force, for `adopt`."""
    with bars() as progress:
        outcome = Runner(_parts(), progress).unpartitioned("item_parameters")
    _show_outcome(outcome, as_json)


@app.command()
def adopt(version: Annotated[str, typer.Argument(help="The bank's version, as `calibrate` names it.")]) -> None:
    """Put an item bank in force: from now on, estimates use it."""
    with transaction(_parts().engine) as connection:
        banks.adopt(connection, version, dt.datetime.now(dt.UTC))
    OUT.print(f"In force: {version}", highlight=False)


@app.command()
def run(
    week: WeekOption,
    through: Annotated[
        Week | None, typer.Option(parser=_week, metavar="MONDAY", help="Run all weeks from --week to this one.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Only this user, by the platform's id.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a week: responses, abilities and reports, as the schedule does."""
    weeks = list(week.through(through or week))
    if not weeks:
        raise typer.BadParameter(f"--through {through} is before --week {week}")
    with bars() as progress:
        outcome = Runner(_parts(), progress).weeks(weeks, user)
    _show_outcome(outcome, as_json)


@app.command()
def report(
    user: Annotated[str, typer.Option(help="The user, by the platform's id.")],
    week: WeekOption,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print where a learner's report of a week is."""
    parts = _parts()
    with transaction(parts.engine) as connection:
        found = next(iter(artifacts.of_week(connection, week, [user])), None)
    if found is None:
        raise FixTheData(
            f"There is no report of {user!r} for {week}. Make it: seedtest run --week {week} --user {shlex.quote(user)}"
        )
    if as_json:
        _show({"user": user, "week": week.key, "url": found.url, "sha256": found.sha256}, as_json)
    else:
        OUT.print(found.url, highlight=False)
    if open_it:
        webbrowser.open(found.url)


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port on loopback.")] = 3000,
) -> None:
    """Open Dagster's UI, with the daemon that runs the schedule and the sensor. Ctrl-C ends both."""
    parts = _parts()
    parts.engine.dispose()  # started and migrated before Dagster's own processes ask for it
    if _is_taken(port):
        raise FixTheData(f"Port {port} is in use: name another with seedtest ui --port N.")
    OUT.print(f"Dagster's UI: http://127.0.0.1:{port} (in some 15 seconds)", highlight=False)
    command = [sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1", "-p", str(port), "-w", "workspace.yaml"]
    with suppress(KeyboardInterrupt):
        raise typer.Exit(subprocess.run(command, cwd=CHECKOUT, check=False).returncode)


@app.command("r-irt")
def r_irt(port: Annotated[int, typer.Option(help="Port on loopback.")] = 8010) -> None:
    """Run the R service r-irt-plumber in the foreground; R_IRT_BASE_URL=http://127.0.0.1:8010 makes others use it."""
    token = Settings.load().r_irt_internal_token
    r_process.serve(port, token.get_secret_value() if token else None)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Examine every part: green, or red with what to do."""
    findings = []
    for finding in examination.examine(_parts()):
        findings.append(finding)
        if not as_json:
            mark = "[green]ok[/]    " if finding.ok else "[red]broken[/]"
            OUT.print(f"{mark} {finding.part:<16} {escape(finding.detail)}", highlight=False)
    if as_json:
        OUT.print_json(data=[asdict(finding) for finding in findings])
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


def _begin_weeks_at(settings: Settings, first_week: Week) -> None:
    if set_by_environment("FIRST_WEEK"):
        ERR.print(f"The first answers are of {first_week}: set FIRST_WEEK={first_week} to run those weeks.")
        return
    remember(settings, "FIRST_WEEK", first_week.key)
    ERR.print(f"Weeks now begin at {first_week} (FIRST_WEEK in {settings.home / 'settings.env'}).", highlight=False)


def _show(values: Mapping[str, object], as_json: bool) -> None:
    if as_json:
        OUT.print_json(data=dict(values))
    else:
        facts({name: f"{value:,}" if isinstance(value, int) else value for name, value in values.items()})


def _show_outcome(outcome: Outcome, as_json: bool) -> None:
    """Counts and seconds per asset; pictures and links are for Dagster's UI."""
    made = {
        asset: {
            "seconds": round(outcome.seconds[asset], 1),
            **{name: value.value for name, value in values.items() if isinstance(value.value, int | float | str)},
        }
        for asset, values in outcome.metadata.items()
    }
    if as_json:
        OUT.print_json(data={"run_id": outcome.run_id, "assets": made})
        return
    for asset, values in made.items():
        OUT.print(f"\n[bold]{asset}[/]")
        facts(
            {f"  {name}": value for name, value in values.items() if "\n" not in str(value) and len(str(value)) < 100}
        )


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return int(probe.connect_ex(("127.0.0.1", port))) == 0
