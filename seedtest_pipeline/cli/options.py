"""Options that several commands have, and how their values are read."""

from typing import TYPE_CHECKING, Annotated

import typer

from resources.errors import InvalidInput

if TYPE_CHECKING:
    from resources.model import Week

WeekOption = Annotated[str, typer.Option(metavar="MONDAY", help="The week, as its Monday: 2025-01-06.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Link = Annotated[bool, typer.Option("--link", help="Print a link that opens it for REPORT_LINK_SECS.")]
OpenIt = Annotated[bool, typer.Option("--open", help="Open it in the browser.")]


def week(text: str, option: str = "--week") -> "Week":
    """The week whose Monday `text` names.

    Raises:
        typer.BadParameter: it names none; the message says why, and which option.
    """
    from resources.model import Week

    try:
        return Week.parse(text)
    except InvalidInput as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
