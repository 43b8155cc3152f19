"""How PostgreSQL is reached: engine, transactions, COPY, locks. Schema and queries have folders of their own."""
