"""What a run made, as a person or a script reads it."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seedtest_pipeline.terminal import OUT, facts, table

if TYPE_CHECKING:
    from resources.model import Week
    from seedtest_pipeline.runs import Outcome
    from seedtest_pipeline.wiring import Parts

ROWS = 20  # of a table in the terminal
_LONGEST = 100  # characters of a value there


def show(outcome: "Outcome", as_json: bool, tables: Sequence[str] = ()) -> None:
    """Counts and seconds per asset, and these of its tables; pictures and links are for Dagster's UI."""
    made = {
        asset: {
            "seconds": round(outcome.seconds[asset], 1),
            **{
                name.removeprefix("dagster/"): value.value
                for name, value in values.items()
                if isinstance(value.value, int | float | str) and "Markdown" not in type(value).__name__
            },
        }
        for asset, values in outcome.metadata.items()
    }
    rows = {
        asset: {name: _rows(values[name]) for name in tables if name in values}
        for asset, values in outcome.metadata.items()
    }  # fmt: skip
    if as_json:
        OUT.print_json(
            data={"run_id": outcome.run_id, "assets": {asset: of | rows[asset] for asset, of in made.items()}}
        )
        return
    for asset, values in made.items():
        OUT.print(f"[bold]{asset}[/]")
        facts({
            f"  {name.replace('_', ' ')}": value if len(str(value)) < _LONGEST else f"{str(value)[:_LONGEST]} …: --json"
            for name, value in values.items()
            if "\n" not in str(value)
        })  # fmt: skip
        for name, of in rows[asset].items():
            if of:
                shown = [[str(value) for value in row.values()] for row in of[:ROWS]]
                more = f", and {len(of) - ROWS} more: --json" if len(of) > ROWS else ""
                table(f"{name}{more}", list(of[0]), shown, figures=False)


def show_a_report(parts: "Parts", week: "Week", user: str | None) -> None:
    """Where one of the week's reports is, and the line that opens it."""
    from resources.database.engine import transaction
    from resources.database.queries.reports import report_artifacts

    with transaction(parts.engine) as connection:
        one = report_artifacts.first(connection, week, user)
    if one is None:
        OUT.print(f"No report of {week} is there: nobody asked for has answered lately.", highlight=False)
        return
    OUT.print(f"A report to open: {one.url}", highlight=False, markup=False)
    line = f"seedtest report --week {week} --user {shlex.quote(one.user_id)} --open"
    OUT.print(f"In the browser:   {line}", highlight=False, markup=False)


def _rows(value: object) -> list[dict[str, object]]:
    return [dict(record.data) for record in getattr(value, "records", ())]
