"""The command for the database itself: `migrate`."""

from typing import Annotated

import typer

from seedtest_pipeline.cli import startup
from seedtest_pipeline.terminal import ERR, OUT


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
