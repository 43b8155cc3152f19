"""Commands for the database and what is told of items and people: `migrate`, `items`, `groups`, `goals`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from seedtest_pipeline.cli import startup
from seedtest_pipeline.cli.options import AsJson
from seedtest_pipeline.terminal import ERR, OUT, facts, remark

if TYPE_CHECKING:
    import sqlalchemy as sa


def migrate(
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove everything that this pipeline made instead.")
    ] = False,
    back_to: Annotated[
        str | None,
        typer.Option(metavar="REVISION", help="Take the database back, for an earlier release.", show_default=False),
    ] = None,
) -> None:
    """Bring the database to the newest schema. What the platform owns stays as it is."""
    from resources.database.address import address
    from resources.database.engine import transaction
    from resources.database.queries.dagster_history import SCHEMA
    from resources.database.schema import migrate as migrations
    from resources.database.schema import privileges, readers, revision, session_length, time_zone
    from resources.database.schema.index_advice import missing_indexes

    if remove:
        typer.confirm("This deletes all estimates, banks and catalogue rows of this pipeline. Go on?", abort=True)
        migrations.downgrade(startup.parts().bare_engine)
        OUT.print("Removed what this pipeline had made; the platform's tables are as they were.")
        return
    engine = startup.parts().bare_engine
    if back_to is not None:
        _take_back(engine, back_to)
        return
    migrations.upgrade(engine)
    with transaction(engine) as connection:
        session_length.settle(connection, startup.parts().settings.session_max_hours)
        zone_changed = time_zone.settle(connection, startup.parts().settings.seedtest_timezone)
    OUT.print(f"{address(engine.url)} is at the newest schema, {revision.head()}.", highlight=False)
    if zone_changed:
        OUT.print("The weeks begin in another time zone now; make them again: seedtest run --week FIRST --through LAST")
    with transaction(engine) as connection:
        lacking, unserved = privileges.to_run(connection, SCHEMA), readers.unserved(connection)
    if lacking:
        ERR.print(f"As the database's owner, run: {' '.join(lacking)}", highlight=False)
    for sentence in (*unserved, *missing_indexes(engine)):
        ERR.print(sentence, highlight=False)


def _take_back(engine: "sa.Engine", to: str) -> None:
    from resources.database.address import address
    from resources.database.engine import transaction
    from resources.database.queries.sessions import ignored_learners
    from resources.database.schema import migrate, revision
    from resources.errors import InvalidInput

    now = revision.state(engine).current
    if now is None or to >= now:
        raise InvalidInput(f"{address(engine.url)} stands at {now or 'no schema'}: {to} is not before that")
    with transaction(engine) as connection:
        ignored = ignored_learners.since(connection) if now >= "0016" > to else {}
    if ignored:
        ERR.print(f"Read again from then on, though they were forgotten: {', '.join(ignored)}", highlight=False)
    typer.confirm(f"What was added to the schema since {to}, and stands in it, will be lost. Go on?", abort=True)
    migrate.downgrade(engine, to)
    OUT.print(f"{address(engine.url)} is at {to}: install the release that has it.", highlight=False)


def items(
    file: Annotated[
        str,
        typer.Argument(help="CSV or Parquet with item_id and any of title, topic, url, exam, key.", show_default=False),
    ],
    encoding: Annotated[str | None, typer.Option(help="Of CSV: cp949, cp1252 ...; UTF-8 unless told.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what people call the items and where they are to be found: reports name them so from their next run on."""
    from resources.database.engine import transaction
    from resources.database.queries.items import item_banks, item_details
    from resources.errors import NoItemBank
    from resources.ingest.items_file import read_items
    from resources.ingest.reading.encodings import known

    parts = startup.parts()
    read = read_items(file, known(encoding) if encoding else None)
    with transaction(parts.engine) as connection:
        changed = item_details.store(connection, read.rows)
        try:
            keys = item_banks.load_chosen(connection, parts.bank_choice).item_keys
        except NoItemBank:
            keys = ()
        n_told = len(item_details.of(connection, keys))
    made = {"items": len(read.rows), "items_changed": changed, "items_of_the_bank": len(keys), "of_those_told": n_told}
    _tell(made, read.unused, as_json=as_json)


def groups(
    file: Annotated[
        str,
        typer.Argument(help="CSV or Parquet with group, user_id and any of role, name.", show_default=False),
    ],
    replace: Annotated[bool, typer.Option("--replace", help="Groups that the file does not name are removed.")] = False,
    encoding: Annotated[str | None, typer.Option(help="Of CSV: cp949, cp1252 ...; UTF-8 unless told.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell who is in which group, learners and teachers: each group of the file is then as the file says."""
    from resources.database.engine import transaction
    from resources.database.queries.learners import learner_groups
    from resources.database.queries.sessions import attempts
    from resources.ingest.groups_file import read_groups
    from resources.ingest.reading.encodings import known
    from resources.model import LEARNER

    parts = startup.parts()
    read = read_groups(file, known(encoding) if encoding else None)
    with transaction(parts.engine) as connection:
        changed = learner_groups.store(connection, read.rows, only=replace)
        platforms = set(attempts.users(connection))
    learners = {row["user_id"] for row in read.rows if row["role"] == LEARNER}
    made = {
        "groups": len({row["group"] for row in read.rows}), "learners": len(learners),
        "teachers": len({row["user_id"] for row in read.rows if row["role"] != LEARNER}),
        "learners_without_a_session": len(learners - platforms), **vars(changed),
    }  # fmt: skip
    _tell(made, read.unused, as_json=as_json)
    remark("Class reports follow with their next run; now: seedtest classes --week MONDAY")


def goals(
    file: Annotated[str, typer.Argument(help="CSV or Parquet with user_id, score and by (a day).", show_default=False)],
    replace: Annotated[bool, typer.Option("--replace", help="Goals of others than the file names go.")] = False,
    encoding: Annotated[str | None, typer.Option(help="Of CSV: cp949, cp1252 ...; UTF-8 unless told.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell which score learners want to reach, and by which day: their reports then tell the chance of it."""
    import datetime as dt

    from resources.database.engine import transaction
    from resources.database.queries.learners import learner_goals
    from resources.database.queries.sessions import attempts
    from resources.errors import InvalidInput
    from resources.ingest.goals_file import read_goals
    from resources.ingest.reading.encodings import known
    from resources.model import Goal

    parts = startup.parts()
    read = read_goals(file, known(encoding) if encoding else None)
    told = {
        str(row["user_id"]): Goal(float(row["score"] or 0), dt.date.fromisoformat(row["by"] or "")) for row in read.rows
    }
    scale = parts.settings.scale
    for user_id, goal in told.items():
        if not scale.low < goal.score < scale.high:
            raise InvalidInput(
                f"{user_id!r} is to reach {goal.score:g}, and scores lie between {scale.low} and {scale.high}",
                where=read.name,
                remedy="tell the goal in points of REPORT_SCALE.",
                outcome="Nothing was loaded.",
            )
    with transaction(parts.engine) as connection:
        changed = learner_goals.store(connection, told, only=replace)
        platforms = set(attempts.users(connection))
    made = {"goals": len(told), "learners_without_a_session": len(told.keys() - platforms), **vars(changed)}
    _tell(made, read.unused, as_json=as_json)
    remark("Reports follow with the next run of their week; now: seedtest run --week MONDAY")


def _tell(made: Mapping[str, int], unused: Sequence[str], *, as_json: bool) -> None:
    """What came of a file, and which of its columns nothing reads."""
    if as_json:
        OUT.print_json(data=made)
    else:
        facts({name.replace("_", " "): f"{value:,}" for name, value in made.items()})
    if unused:
        remark(f"Columns not used: {', '.join(unused)}.")
