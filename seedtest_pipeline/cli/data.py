"""Commands for the database and what is loaded into it: `migrate` and `ingest`."""

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seedtest_pipeline.cli import startup
from seedtest_pipeline.cli.options import AsJson
from seedtest_pipeline.terminal import ERR, OUT, bars, facts

if TYPE_CHECKING:
    from resources.model import Week
    from seedtest_pipeline.settings import Settings


def migrate(
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove everything that this pipeline made instead.")
    ] = False,
) -> None:
    """Bring the database to the newest schema. What the platform owns stays as it is."""
    from resources.database.address import address
    from resources.database.engine import transaction
    from resources.database.queries.dagster_history import SCHEMA
    from resources.database.schema import migrate as migrations
    from resources.database.schema import privileges, readers, revision, session_length
    from resources.database.schema.index_advice import missing_indexes

    if remove:
        typer.confirm("This deletes all estimates, banks and catalogue rows of this pipeline. Go on?", abort=True)
        migrations.downgrade(startup.parts().bare_engine)
        OUT.print("Removed what this pipeline had made; the platform's tables are as they were.")
        return
    engine = startup.parts().bare_engine
    migrations.upgrade(engine)
    with transaction(engine) as connection:
        session_length.settle(connection, startup.parts().settings.session_max_hours)
    OUT.print(f"{address(engine.url)} is at the newest schema, {revision.head()}.", highlight=False)
    with transaction(engine) as connection:
        lacking, unserved = privileges.to_run(connection, SCHEMA), readers.unserved(connection)
    if lacking:
        ERR.print(f"As the database's owner, run: {' '.join(lacking)}", highlight=False)
    for sentence in (*unserved, *missing_indexes(engine)):
        ERR.print(sentence, highlight=False)


def ingest(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet with the columns of the README.", show_default=False)],
    exam: Annotated[str, typer.Option(help="The exam's id.")] = "ingested",
    as_json: AsJson = False,
) -> None:
    """Load responses from a file into exam_results. A second run of the same file changes nothing."""
    import pyarrow.compute as pc

    from resources.database.engine import transaction
    from resources.database.queries import attempts
    from resources.ingest import load, response_file
    from resources.model import Week

    parts = startup.parts()
    begun = time.monotonic()
    with bars() as progress:
        responses = response_file.read(file)
        with transaction(parts.engine) as connection:
            loaded = load.ingest(connection, responses, exam, partial(progress, "responses"))
            user_ids = attempts.users(connection)
    seconds = time.monotonic() - begun
    answered_at = responses.responses["answered_at"]
    first_week, last_week = Week.containing(pc.min(answered_at).as_py()), Week.containing(pc.max(answered_at).as_py())
    if first_week.start < parts.settings.first_week:
        _begin_weeks_at(parts.settings, first_week)
    made = {
        "responses": loaded.responses,
        "sessions_new": loaded.new,
        "sessions_grown": loaded.grown,
        "sessions_unchanged": loaded.unchanged,
        "first_week": first_week.key,
        "last_week": last_week.key,
        "seconds": round(seconds, 1),
        "responses_per_second": round(loaded.responses / seconds),
    }
    if as_json:
        OUT.print_json(data=made)
    else:
        facts({
            name.replace("_", " "): f"{value:,}" if isinstance(value, int) else value for name, value in made.items()
        })  # fmt: skip
    for note in responses.notes:
        ERR.print(note, highlight=False)
    if complaint := parts.user_keys.outgrown(len(user_ids)):
        ERR.print(complaint, highlight=False)


def _begin_weeks_at(settings: "Settings", first_week: "Week") -> None:
    from seedtest_pipeline.settings import remember, set_by_environment

    if set_by_environment("FIRST_WEEK"):
        ERR.print(f"The first answers are of {first_week}: set FIRST_WEEK={first_week} to run those weeks.")
        return
    remember(settings, "FIRST_WEEK", first_week.key)
    ERR.print(f"Weeks now begin at {first_week} (FIRST_WEEK in {settings.home / 'settings.env'}).", highlight=False)
