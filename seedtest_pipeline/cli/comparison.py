"""The command `compare`: a predecessor's thetas beside ours."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from seedtest_pipeline.cli import startup
from seedtest_pipeline.cli.options import AsJson
from seedtest_pipeline.terminal import OUT, facts, remark, table

if TYPE_CHECKING:
    from assets.checking.predecessor import Comparison

_BEYOND = 2


def compare(
    largest: Annotated[int, typer.Option(help="How many of the largest differences to list.", min=0)] = 10,
    as_json: AsJson = False,
) -> None:
    """Compare the abilities that a predecessor left in mirt_ability with ours, learner by learner; nothing is changed.

    The two item banks' scales differ, so theirs are brought to the mean and spread of ours first.
    """
    from assets.checking.predecessor import compare
    from resources.database.engine import transaction
    from resources.database.queries.items import item_banks

    parts = startup.parts()
    with transaction(parts.engine) as connection:
        bank = item_banks.load_chosen(connection, parts.bank_choice)
    found = compare(parts.engine, bank)
    told: dict[str, object] = {
        "bank": bank.version, "learners_in_both": found.in_both, "only_theirs": found.only_theirs,
        "rows_of_theirs_left_out": found.theirs_unusable, "only_ours": found.only_ours,
        "correlation": found.correlation, "slope": found.slope, "intercept": found.intercept,
        "differ_by_more_than_2_se": found.beyond(_BEYOND),
    }  # fmt: skip
    if as_json:
        reports = [{"week": row.week.isoformat(), "theirs": row.theirs, "ours": row.ours} for row in found.reports]
        OUT.print_json(data=told | {"largest": [vars(pair) for pair in found.pairs[:largest]], "reports": reports})
        return
    facts({name.replace("_", " "): _shown(value) for name, value in told.items()})
    _show(found, largest)
    if found.correlation is None:
        remark("Fewer than three learners are in both: make our weeks first, by `seedtest run`.")


def _shown(value: object) -> str:
    if value is None:
        return "not known"
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _show(found: "Comparison", largest: int) -> None:
    if shown := found.pairs[:largest]:
        rows = [[escape(p.user_id), f"{p.theirs:.2f}", f"{p.ours:.2f}", f"{p.z:.1f}"] for p in shown]
        table("The largest differences, in logits of our scale", ["user", "theirs", "ours", "standard errors"], rows)
    if found.reports:
        weeks = [[str(row.week), f"{row.theirs:,}", f"{row.ours:,}"] for row in found.reports]
        table("Learners with a report", ["week", "theirs", "ours"], weeks)
