"""What each command of `seedtest` does: asks the parts, and prints a table, or JSON with --json.

Results go to standard output; progress, notes and errors to standard error. Stays out: what may be typed (`cli`).
"""

import datetime as dt
import os
import signal
import socket
import sys
import time
import webbrowser
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NoReturn

import pyarrow.compute as pc
import typer
from rich.markup import escape

from assets.cohort_reports import REPORT, cohort_key
from resources.database.engine import address, transaction
from resources.database.queries import attempts, item_banks
from resources.database.schema import migrate as migrations
from resources.database.schema import revision
from resources.database.schema.index_advice import missing_indexes
from resources.errors import InvalidInput
from resources.estimators.r_service import process
from resources.ingest import load as loading
from resources.ingest import response_file
from resources.model import Format, Week
from resources.reports import cohort_document
from seedtest_pipeline import doctor as examination
from seedtest_pipeline.automation import orphaned_runs
from seedtest_pipeline.cli import report_commands
from seedtest_pipeline.demo import walkthrough as demonstration
from seedtest_pipeline.partitioning import partitions
from seedtest_pipeline.runs import Outcome, Runner, open_instance, prepare_dagster_home
from seedtest_pipeline.settings import CHECKOUT, Settings, prepare_process, remember, set_by_environment
from seedtest_pipeline.terminal import ERR, OUT, bars, facts
from seedtest_pipeline.wiring import Parts


def demo() -> None:
    demonstration.play(_parts().settings)


def migrate() -> None:
    engine = _parts().bare_engine
    migrations.upgrade(engine)
    OUT.print(f"{address(engine.url)} is at the newest schema, {revision.head()}.", highlight=False)
    for sentence in missing_indexes(engine):
        ERR.print(sentence, highlight=False)


def remove() -> None:
    migrations.downgrade(_parts().bare_engine)
    OUT.print("Removed what this pipeline had made; the platform's tables are as they were.")


def ingest(file: Path, exam: str, as_json: bool) -> None:
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
    if first_week < partitions(parts.settings).first_week:
        _begin_weeks_at(parts.settings, first_week)
    _show(
        {
            "responses": loaded.responses,
            "sessions_new": loaded.new,
            "sessions_grown": loaded.grown,
            "sessions_unchanged": loaded.unchanged,
            "first_week": first_week.key,
            "last_week": last_week.key,
            "seconds": round(seconds, 1),
            "responses_per_second": round(loaded.responses / seconds),
        },
        as_json,
    )
    for note in responses.notes:
        ERR.print(note, highlight=False)
    if complaint := partitions(parts.settings).users.outgrown(len(user_ids)):
        ERR.print(complaint, highlight=False)


def calibrate(as_json: bool) -> None:
    with bars() as progress:
        outcome = Runner(_parts(), progress).unpartitioned("item_parameters")
    _show_outcome(outcome, as_json)


def adopt(version: str) -> None:
    with transaction(_parts().engine) as connection:
        item_banks.adopt(connection, version, dt.datetime.now(dt.UTC))
    OUT.print(f"In force: {version}", highlight=False)


def run(week: str, through: str | None, user: str | None, as_json: bool) -> None:
    first, last = _week(week, "--week"), _week(through or week, "--through")
    if last < first:
        raise typer.BadParameter(f"{last} is before --week {first}.", param_hint="--through")
    with bars() as progress:
        outcome = Runner(_parts(), progress).weeks(list(first.through(last)), user)
    _show_outcome(outcome, as_json)


def report(user: str, week: str, form: Format | None, link: bool, open_it: bool, as_json: bool) -> None:
    of_week = _week(week, "--week")
    report_commands.report(_parts(), user, of_week, form, link=link, open_it=open_it, as_json=as_json)


def prune(before: dt.date, dry_run: bool, yes: bool, as_json: bool) -> None:
    report_commands.prune(_parts(), before, dry_run=dry_run, yes=yes, as_json=as_json)


def check(hashes: bool, as_json: bool) -> bool:
    return report_commands.check(_parts(), hashes=hashes, as_json=as_json)


def cohort(week: str, link: bool, open_it: bool, as_json: bool) -> None:
    of_week = _week(week, "--week")
    if lacking := cohort_document.lacking():
        ERR.print(f"No cohort report is made here. {lacking}", highlight=False)
        if as_json:
            OUT.print_json(data={"week": of_week.key, "reports": {}, "skipped": lacking})
        return
    parts = _parts()
    with bars() as progress:
        made = Runner(parts, progress).cohort(of_week).metadata["cohort_reports"]
    urls = {name.removeprefix(REPORT): str(value.value) for name, value in made.items() if name.startswith(REPORT)}
    links = {
        version: parts.links.of([cohort_key(of_week, version)], parts.settings.report_link_secs)[0].url
        for version in (urls if link or open_it else ())
    }
    shown = links if link else urls
    if as_json:
        OUT.print_json(data={"week": of_week.key, "reports": shown, "skipped": None})
    for url in () if as_json else shown.values():
        OUT.print(url, highlight=False)
    if open_it and not all(webbrowser.open(url) for url in links.values()):
        ERR.print("No browser was found here: open the address by hand.")


def ui(port: int) -> NoReturn:
    """Becomes Dagster: this process is replaced, so signals and the exit code are Dagster's own."""
    parts = _parts()
    orphaned_runs.close(open_instance(), parts.engine)  # they count among the runs that may go on at once
    parts.engine.dispose()
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise InvalidInput(f"Port {port} is in use", remedy="name another with seedtest ui --port N.")
    OUT.print(f"Dagster's UI: http://127.0.0.1:{port} (in some 15 seconds)", highlight=False)
    sys.stdout.flush()
    log_format = "colored" if sys.stdout.isatty() else "json"
    environment = {
        # Dagster's processes import this checkout, wherever they stand, and stand away from it: beside a dagster.yaml
        # that is not its own, Dagster warns.
        "PYTHONPATH": os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")])),
        # Of the same command in a package that is not used here.
        "PYTHONWARNINGS": "ignore:Function `dev_command` is superseded",
    }
    # A shell without a terminal starts its background jobs with SIGINT ignored, and Dagster ends itself by that signal.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.chdir(parts.settings.dagster_home)
    os.execve(  # noqa: S606 - no shell is meant
        sys.executable,
        [
            sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1", "-p", str(port), "--log-format", log_format,
            "-w", str(CHECKOUT / "workspace.yaml"),
        ],
        {**os.environ, **environment},
    )  # fmt: skip


def r_irt(port: int) -> NoReturn:
    token = Settings.load().r_irt_internal_token
    process.serve(port, token.get_secret_value() if token else None)


def doctor(as_json: bool) -> bool:
    """Whether every part works."""
    findings = []
    for finding in examination.examine(_parts()):
        findings.append(finding)
        if not as_json:
            mark = "[green]ok[/]    " if finding.ok else "[red]broken[/]"
            OUT.print(f"{mark} {finding.part:<16} {escape(finding.detail)}", highlight=False)
    if as_json:
        OUT.print_json(data=[asdict(finding) for finding in findings])
    return all(finding.ok for finding in findings)


def _parts() -> Parts:
    settings = Settings.load()
    prepare_process()
    prepare_dagster_home(settings)
    return Parts(settings)


def _week(text: str, option: str) -> Week:
    try:
        return Week.parse(text)
    except InvalidInput as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def _begin_weeks_at(settings: Settings, first_week: Week) -> None:
    if set_by_environment("FIRST_WEEK"):
        ERR.print(f"The first answers are of {first_week}: set FIRST_WEEK={first_week} to run those weeks.")
        return
    remember(settings, "FIRST_WEEK", first_week.key)
    ERR.print(f"Weeks now begin at {first_week} (FIRST_WEEK in {settings.home / 'settings.env'}).", highlight=False)


def _show(values: Mapping[str, object], as_json: bool) -> None:
    if as_json:
        OUT.print_json(data=dict(values))
        return
    facts({
        name.replace("_", " "): f"{value:,}" if isinstance(value, int) else value for name, value in values.items()
    })  # fmt: skip


def _show_outcome(outcome: Outcome, as_json: bool) -> None:
    """Counts and seconds per asset; pictures and links are for Dagster's UI."""
    made = {
        asset: {
            "seconds": round(outcome.seconds[asset], 1),
            **{
                name.removeprefix("dagster/"): value.value
                for name, value in values.items()
                if isinstance(value.value, int | float | str)
            },
        }
        for asset, values in outcome.metadata.items()
    }
    if as_json:
        OUT.print_json(data={"run_id": outcome.run_id, "assets": made})
        return
    for asset, values in made.items():
        OUT.print(f"[bold]{asset}[/]")
        facts({
            f"  {name.replace('_', ' ')}": value
            for name, value in values.items()
            if "\n" not in str(value) and len(str(value)) < 100
        })  # fmt: skip
