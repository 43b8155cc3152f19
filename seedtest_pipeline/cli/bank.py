"""Commands for the item bank: `calibrate` makes one, `adopt` puts one in force."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from seedtest_pipeline.cli import outcome, startup
from seedtest_pipeline.cli.options import AsJson
from seedtest_pipeline.terminal import OUT, bars


def calibrate(
    all_items: Annotated[
        bool,
        typer.Option("--all-items", help="Calibrate the items of the bank in force anew, too, and link them to it."),
    ] = False,
    exam: Annotated[
        list[str] | None, typer.Option(metavar="EXAM", help="Only answers to this exam; may stand several times.")
    ] = None,
    since: Annotated[
        str, typer.Option(metavar="DAY", help="Only answers after this day, or `ever`.", show_default="the last bank's")
    ] = "",
    groups: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV of user_id,group: populations to keep apart.", show_default="by exam"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate item parameters from answers: a new item bank, on the scale of the one in force, for `adopt`."""
    from seedtest_pipeline.runs import Runner

    config = {
        "all_items": all_items, "exams": exam or [], "since": since,
        "groups_file": str(groups.resolve()) if groups else "",
    }  # fmt: skip
    with bars() as progress:
        made = Runner(startup.parts(), progress).unpartitioned("item_parameters", config)
    outcome.show(made, as_json, tables=("left out", "moved", "misfits", "dependent", "dif"))


def adopt(version: Annotated[str, typer.Argument(help="The bank's version, as `calibrate` names it.")]) -> None:
    """Put an item bank in force: from now on, estimates use it."""
    from resources.database.engine import transaction
    from resources.database.queries.items import item_banks

    with transaction(startup.parts().engine) as connection:
        item_banks.adopt(connection, version, dt.datetime.now(dt.UTC))
    OUT.print(f"In force: {version}", highlight=False)
