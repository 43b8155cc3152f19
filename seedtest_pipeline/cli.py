"""The command `seedtest`: thin commands over the parts. Exit code 0 is fine, 1 failed, 2 wrong usage."""

import datetime as dt
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from resources.database import artifacts, banks, ingest, migrate
from resources.errors import FixTheData, SeedtestError
from resources.model import Week
from seedtest_pipeline import demo as synthetic
from seedtest_pipeline import doctor as examination
from seedtest_pipeline import runs
from seedtest_pipeline.settings import CHECKOUT, Settings, prepare_process, remember, set_by_environment
from seedtest_pipeline.terminal import OUT, bars, complain, facts, table
from seedtest_pipeline.wiring import Parts

app = typer.Typer(
    help="Weekly ability estimates and reports for an exam platform.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _week(text: str) -> Week:
    try:
        return Week.parse(text)
    except FixTheData as error:
        raise typer.BadParameter(str(error)) from error


WeekOption = Annotated[Week, typer.Option(parser=_week, metavar="MONDAY", help="The week, as its Monday: 2025-01-06.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]


@app.command()
def demo() -> None:
    """Run the whole pipeline on a synthetic exam: 200 learners, 8 weeks, a report for each."""
    synthetic_run.play(_parts())


@app.command()
def migrate_() -> None:
    """Bring the database to the newest schema; what the platform owns stays as it is."""
