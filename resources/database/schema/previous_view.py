"""A platform's view as the statements that bring it back: definition, owner, options, grants and comment.

Stays out: triggers and rules on the view, which `attempt` never had.
"""

import sqlalchemy as sa
from psycopg import sql

_VIEW = """
    SELECT n.nspname, c.relname, pg_get_viewdef(c.oid), pg_get_userbyid(c.relowner),
        array_to_string(c.reloptions, ', '), obj_description(c.oid, 'pg_class')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = :oid
"""
_GRANTS = """
    SELECT privilege_type, is_grantable, CASE WHEN grantee <> 0 THEN pg_get_userbyid(grantee) END
    FROM pg_class c, aclexplode(c.relacl) WHERE c.oid = :oid AND grantee <> c.relowner
"""


def statements_to_restore(connection: sa.Connection, view: str) -> sql.Composable:
    """SQL that makes the view `view`, which exists now, once more as it is now."""
    oid = connection.scalar(sa.text("SELECT to_regclass(:name)::oid"), {"name": view})
    # With an empty search path the definition names every schema, and means the same wherever it is run.
    search_path = connection.scalar(sa.text("SELECT current_setting('search_path')"))
    connection.execute(sa.text("SELECT set_config('search_path', '', true)"))
    schema, relation, definition, owner, options, comment = connection.execute(sa.text(_VIEW), {"oid": oid}).one()
    connection.execute(sa.text("SELECT set_config('search_path', :path, true)"), {"path": search_path})

    name = sql.Identifier(schema, relation)
    with_options = sql.SQL(" WITH ({})").format(sql.SQL(options)) if options else sql.SQL("")
    statements: list[sql.Composable] = [
        sql.SQL("CREATE VIEW {}{} AS {}").format(name, with_options, sql.SQL(definition.rstrip().rstrip(";"))),
        sql.SQL("ALTER VIEW {} OWNER TO {}").format(name, sql.Identifier(owner)),
    ]
    if comment is not None:
        statements.append(sql.SQL("COMMENT ON VIEW {} IS {}").format(name, sql.Literal(comment)))
    return sql.SQL(";\n").join([*statements, *grants(connection, view, on=name)])


def grants(connection: sa.Connection, relation: str, on: sql.Composable) -> list[sql.Composable]:
    """Statements that give on `on` what is given on the table or view `relation` to others than its owner."""
    statements: list[sql.Composable] = []
    oid = connection.scalar(sa.text("SELECT to_regclass(:name)::oid"), {"name": relation})
    for privilege, grantable, grantee in connection.execute(sa.text(_GRANTS), {"oid": oid}):
        to = sql.Identifier(grantee) if grantee else sql.SQL("PUBLIC")
        option = sql.SQL(" WITH GRANT OPTION" if grantable else "")
        statements.append(sql.SQL("GRANT {} ON {} TO {}{}").format(sql.SQL(privilege), on, to, option))
    return statements
