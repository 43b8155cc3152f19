"""The commands `forget` and `ignored`: one learner is gone from here, with a receipt, and is kept out if so wished."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from seedtest_pipeline.cli import startup
from seedtest_pipeline.cli.options import AsJson
from seedtest_pipeline.terminal import OUT, facts, remark

if TYPE_CHECKING:
    from seedtest_pipeline.forgetting import Receipt


def forget(
    user: Annotated[str, typer.Option(help="The learner, by the platform's id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; without, only what would go is told.")] = False,
    and_ignore: Annotated[
        bool, typer.Option("--and-ignore", help="Never read again what the platform has of the learner.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove everything that is stored here of one learner, and say what stays elsewhere."""
    from seedtest_pipeline import forgetting
    from seedtest_pipeline.runs import open_instance

    parts = startup.parts()
    with open_instance() as instance:
        ignore_from = dt.datetime.now(dt.UTC) if and_ignore else None
        receipt = forgetting.forget(parts, instance, user, really=yes, ignore=ignore_from)
    gone, left = _gone(receipt), _left(receipt)
    if as_json:
        did = {"removed": yes, "ignored": yes and receipt.ignored}
        OUT.print_json(data={"user_id": user, **did, "gone" if yes else "would_go": gone, "stays": left})
    else:
        OUT.print("[bold]Removed[/]" if yes else "[bold]Would be removed[/]")
        facts({f"  {name.replace('_', ' ')}": f"{n:,}" for name, n in gone.items()})
        OUT.print("[bold]Stays[/]")
        facts({f"  {name.replace('_', ' ')}": n if isinstance(n, list) else f"{n:,}" for name, n in left.items()})
    for sentence in _sentences(receipt, user, parts.settings.dagster_keep_days):
        remark(sentence)


def ignored(
    no_longer: Annotated[
        str | None, typer.Option(help="Read this learner's sessions again.", metavar="USER", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the learners who were forgotten with --and-ignore, or take one in again."""
    from resources.database.engine import transaction
    from resources.database.queries.sessions import ignored_learners
    from resources.errors import InvalidInput

    with transaction(startup.parts().engine) as connection:
        if no_longer is not None and not ignored_learners.stop_ignoring(connection, no_longer):
            raise InvalidInput(f"{no_longer!r} is not ignored", remedy="`seedtest ignored` lists who is.")
        since = {user_id: f"{at:%F %H:%M} UTC" for user_id, at in ignored_learners.since(connection).items()}
    if as_json:
        OUT.print_json(data={"ignored": since})
    elif since:
        facts(since)
    else:
        remark("Nobody is ignored.")
    if no_longer is not None:
        remark("The daemon makes the learner's weeks within the hour; at once: seedtest run --user USER --week MONDAY")


def _gone(receipt: "Receipt") -> dict[str, int]:
    traces = receipt.traces
    return {
        "report_files": traces.report_files,
        "class_reports_that_name_the_learner": traces.class_reports,
        "frozen_answers": traces.frozen_answers,
        "frozen_weeks": len(traces.frozen_weeks),
        **{f"rows_of_{table}": n for table, n in sorted(traces.rows.items())},
        "dagster_partition": int(receipt.partition),
        "dagster_events": receipt.history_events,
    }


def _left(receipt: "Receipt") -> dict[str, int | list[str]]:
    traces = receipt.traces
    return {
        "rows_of_exam_results": traces.platform_sessions,
        "rows_that_a_predecessor_wrote": traces.predecessors_rows,
        "runs_in_dagsters_history": receipt.history_runs,
        "files_in_other_stores": list(traces.elsewhere),
    }


def _sentences(receipt: "Receipt", user: str, keep_days: int) -> list[str]:
    """What the operator has to know or do."""
    traces, said = receipt.traces, []
    if not (traces.any or receipt.partition or receipt.history_events or traces.platform_sessions):
        return [f"Nothing here and nothing in exam_results is of {user!r}: forgotten already, or another id."]
    if receipt.ignored:
        said.append(
            "What exam_results has of this learner is not read any more. For that the id is kept here, in "
            "ignored_learners; `seedtest ignored` lists it, and takes the learner in again."
        )
    elif traces.platform_sessions:
        said.append(
            f"exam_results has {traces.platform_sessions:,} rows of this learner, which belong to the platform. While "
            "they are there, the next run or update makes him again: delete them there first, or add --and-ignore."
        )
    if traces.elsewhere:
        said.append("Files in other stores are not reached from here: delete them there.")
    if receipt.history_runs:
        said.append(
            f"Runs that name the learner stay in Dagster's history for {keep_days} days. One that was the last to make "
            "a partition stays until that is made again."
        )
    if traces.class_reports and receipt.removed:
        said.append("Class reports are made again by: seedtest classes --week MONDAY")
    if not receipt.removed:
        said.append("Nothing was changed. To remove it, add --yes.")
    return said
