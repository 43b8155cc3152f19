"""Commands over all finished reports, files and rows: `artifacts prune` and `artifacts check`."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from seedtest_pipeline.cli import startup
from seedtest_pipeline.cli.options import AsJson
from seedtest_pipeline.terminal import ERR, OUT, bars, table

if TYPE_CHECKING:
    from assets.publishing.consistency_check import Compared

app = typer.Typer(help="Finished reports: which are kept, and whether they are whole.", no_args_is_help=True)
_NAMED = 20  # files that a message names; the counts are always whole


@app.command()
def prune(
    before: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Weeks that were over by this day.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete the reports of old weeks, of learners and of classes, files and rows; abilities and responses stay."""
    from assets.publishing import retention
    from resources.artifacts.store import CLASSES

    parts, day = startup.parts(), before.date()
    with bars() as progress:
        old, n_classes = [], 0
        for of_week in retention.outdated(parts.engine, parts.artifacts, day):
            n_classes += sum(key.startswith(CLASSES) for key in of_week.files)
            old.append((of_week.week.key, len(of_week.files), len(of_week.rows)))
            progress("weeks found", len(old), len(old))
    if not as_json and old:
        columns = ("week", "rows", "files")
        table(f"Reports of weeks that were over by {day}", columns, [(w, f"{r:,}", f"{f:,}") for w, f, r in old])
    n_files, n_rows = sum(files for _, files, _ in old), sum(rows for _, _, rows in old)
    if not as_json and n_classes:
        OUT.print(f"{n_classes:,} of the files are class reports.", highlight=False)
    if n_files + n_rows == 0:
        ERR.print(f"There is no report of a week that was over by {day}.", highlight=False)
    elif not dry_run:
        if not yes:
            typer.confirm(f"Delete {n_files:,} files and {n_rows:,} rows for good?", abort=True, err=True)
        with bars() as progress:
            for of_week in retention.outdated(parts.engine, parts.artifacts, day):
                retention.remove(parts.engine, parts.artifacts, of_week, progress)
    if as_json:
        weeks = [{"week": week, "files": files, "rows": rows} for week, files, rows in old]
        OUT.print_json(data={
            "before": day.isoformat(), "deleted": not dry_run, "weeks": weeks, "class_reports": n_classes,
        })  # fmt: skip


@app.command()
def check(
    hashes: Annotated[bool, typer.Option("--hashes", help="Compare every file's bytes, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the files of all reports with their rows, in both directions; exit code 1 where they differ."""
    from assets.publishing import consistency_check

    parts = startup.parts()
    with bars() as progress:
        compared = list(consistency_check.compare(parts.engine, parts.artifacts, progress, hashes=hashes))
    apart = [of_week for of_week in compared if not of_week.agree]
    if as_json:
        OUT.print_json(data=[{**asdict(of_week), "week": of_week.week.key} for of_week in compared])
    else:
        _show(compared, apart)
    if apart:
        ERR.print(_remedy(apart), highlight=False)
    raise typer.Exit(1 if apart else 0)


def _remedy(apart: "Sequence[Compared]") -> str:
    from resources.artifacts.store import CLASSES

    at_fault = {of_week.week: (*of_week.missing, *of_week.altered, *of_week.unrecorded) for of_week in apart}
    learners = [week for week, keys in at_fault.items() if not all(key.startswith(CLASSES) for key in keys)]
    classes = [week for week, keys in at_fault.items() if any(key.startswith(CLASSES) for key in keys)]
    last = f" --through {learners[-1]}" if len(learners) > 1 else ""
    commands = [f"seedtest run --week {learners[0]}{last}"] if learners else []
    commands += [f"seedtest classes --week {week}" for week in classes]
    return (
        f"Make what is missing or altered, and record what is not: {'; '.join(commands)}. "
        "Files of learners and groups that are gone stay unrecorded, until `seedtest artifacts prune`."
    )


def _show(compared: "Sequence[Compared]", apart: "Sequence[Compared]") -> None:
    for of_week in apart:
        for fault, keys in (
            ("row without file", of_week.missing),
            ("file is not the row's", of_week.altered),
            ("file without row", of_week.unrecorded),
        ):
            for key in keys[:_NAMED]:
                OUT.print(f"[red]{fault}[/] {key}", highlight=False)
            if len(keys) > _NAMED:
                OUT.print(f"and {len(keys) - _NAMED:,} more of {of_week.week}", highlight=False)
    rows, files = sum(of_week.rows for of_week in compared), sum(of_week.files for of_week in compared)
    OUT.print(f"{rows:,} rows and {files:,} files in {len(compared):,} weeks, {len(apart):,} at fault", highlight=False)
    if elsewhere := sum(of_week.elsewhere for of_week in compared):
        OUT.print(f"{elsewhere:,} rows name files in another store: not examined", highlight=False)
