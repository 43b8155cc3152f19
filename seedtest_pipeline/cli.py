"""The command `seedtest`: thin commands over the parts. Exit code 0 is fine, 1 failed, 2 wrong usage."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from resources.database import migrate as migrations
from resources.errors import FixTheData, SeedtestError
from resources.model import Week
from seedtest_pipeline import demo as demonstration
from seedtest_pipeline import doctor as examination
from seedtest_pipeline import reading, web
from seedtest_pipeline.runs import Outcome, Runner, prepare_dagster_home
from seedtest_pipeline.settings import Settings, prepare_process
from seedtest_pipeline.terminal import OUT, bars, complain, facts, table
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
    demonstration.play(_parts())


@app.command()
def migrate(
    remove: Annotated[bool, typer.Option("--remove", help="Remove everything that this pipeline made instead.")] = False,
) -> None:
    """Bring the database to the newest schema. What the platform owns stays as it is."""
    parts = _parts()
    if remove:
        typer.confirm("This deletes all estimates, banks and catalogue rows of this pipeline. Go on?", abort=True)
        migrations.downgrade(parts.bare_engine)
        OUT.print("Removed what this pipeline had made; the platform's tables are as they were.")
        return
    migrations.upgrade(parts.bare_engine)
    OUT.print(migrations.require_head(parts.bare_engine))


@app.command()
def ingest(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet; columns: see the README.", show_default=False)],
    exam: Annotated[str, typer.Option(help="The exam's id.")] = "ingested",
    as_json: AsJson = False,
) -> None:
    """Load responses from a file into exam_results. A second run of the same file changes nothing."""
    reading.ingest(_parts(), file, exam, as_json)
