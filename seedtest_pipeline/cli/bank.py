"""Commands for the item bank: `calibrate` makes one, `adopt` puts one in force."""

import datetime as dt
from typing import Annotated

import typer

from seedtest_pipeline.cli import outcome, startup
from seedtest_pipeline.cli.options import AsJson
from seedtest_pipeline.terminal import OUT, bars


def calibrate(as_json: AsJson = False) -> None:
    """Estimate item parameters from all answers: a new item bank, linked to the one in force, for `adopt`."""
    from seedtest_pipeline.runs import Runner

    with bars() as progress:
        made = Runner(startup.parts(), progress).unpartitioned("item_parameters")
    outcome.show(made, as_json)


def adopt(version: Annotated[str, typer.Argument(help="The bank's version, as `calibrate` names it.")]) -> None:
    """Put an item bank in force: from now on, estimates use it."""
    from resources.database.engine import transaction
    from resources.database.queries import item_banks

    with transaction(startup.parts().engine) as connection:
        item_banks.adopt(connection, version, dt.datetime.now(dt.UTC))
    OUT.print(f"In force: {version}", highlight=False)
