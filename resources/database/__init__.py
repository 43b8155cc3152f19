"""PostgreSQL: engine, tables, attempts, abilities, the catalogue of artifacts, and the embedded server."""
