"""How PostgreSQL is reached: address, engine, sessions, COPY, locks, and what it refuses. Schema and queries have
folders of their own.
"""
