"""Run the migrations on the connection and in the transaction that `resources.database.schema.migrate` hands over."""

from alembic import context

from resources.database.schema.revision import VERSION_TABLE

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("Migrations run through resources.database.schema.migrate, not through the command alembic.")
context.configure(connection=connection, version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
