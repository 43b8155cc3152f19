"""The command `scores`: abilities for decisions on individuals, and the performance level that they lie in."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from seedtest_pipeline.cli import options, startup
from seedtest_pipeline.cli.options import AsJson, WeekOption
from seedtest_pipeline.terminal import OUT, bars, table

if TYPE_CHECKING:
    from assets.abilities.individual_scores import IndividualScore

_DIGITS = 6  # of a logit; the last bits come from who else is in the batch


def scores(
    week: WeekOption,
    user: Annotated[
        list[str] | None, typer.Option(help="Only this user, by the platform's id; repeat it for several.")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write a row per learner to this file instead.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print EAP, WLE and MAP of ability with standard errors, from all answers that count up to a week.

    EAP is the stored estimate, for levels and groups. WLE is drawn to no prior: decide on individuals by it.

    MAP has the prior N(0, 1). WLE and MAP take all answers together, as if ability had not moved.

    With REPORT_CUTS, the performance level that the WLE lies in is added, with its probability.
    """
    of_week = options.week(week)
    if csv_file and as_json:
        raise typer.BadParameter("choose one of --csv and --json.", param_hint="--csv")
    if csv_file and not csv_file.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {csv_file.parent}.", param_hint="--csv")
    from assets.abilities.individual_scores import IndividualScore, IndividualScores
    from resources import atomic_file
    from resources.database.engine import transaction
    from resources.database.queries.items import item_banks
    from resources.model import Week

    parts = startup.parts()
    with transaction(parts.engine) as connection:
        bank = item_banks.load_chosen(connection, parts.bank_choice)
    first_week, scale = Week(parts.settings.first_week), parts.settings.scale
    source = IndividualScores(parts.engine, parts.warehouse, parts.user_keys, parts.rules, first_week, bank, scale)
    users = source.users(user or [])
    with bars() as progress:
        batches = source.of(of_week, users, progress)
        if csv_file:
            names = [field.name for field in fields(IndividualScore)]
            with atomic_file.in_pieces(csv_file) as raw, io.TextIOWrapper(raw, "utf-8", newline="") as file:
                writer = csv.DictWriter(file, names, lineterminator="\n")
                writer.writeheader()
                for batch in batches:
                    writer.writerows(map(_rounded, batch))
            return
        found = [score for batch in batches for score in batch]
    if as_json:
        OUT.print_json(data=[_rounded(score) for score in found])
    else:
        _show(f"Abilities in logits as of the end of {of_week}", found)


def _rounded(score: "IndividualScore") -> dict[str, object]:
    return {name: round(value, _DIGITS) if isinstance(value, float) else value for name, value in asdict(score).items()}


def _show(title: str, found: "Sequence[IndividualScore]") -> None:
    """The level only where there are cut scores."""
    columns = ["user", "EAP (SE)", "WLE (SE)", "MAP (SE)", "answers"]
    rows = [
        [
            escape(score.user_id), _estimate(score.eap, score.eap_se), _estimate(score.wle, score.wle_se),
            _estimate(score.map, score.map_se), f"{score.n_items:,}",
        ]
        for score in found
    ]  # fmt: skip
    if any(score.level for score in found):
        columns.insert(-1, "level by WLE")
        for row, score in zip(rows, found, strict=True):
            row.insert(-1, escape(f"{score.level} ({score.level_probability:.0%})") if score.level else "")
    table(title, columns, rows)


def _estimate(theta: float | None, se: float | None) -> str:
    return "" if theta is None else f"{theta:.2f} ({se:.2f})"
