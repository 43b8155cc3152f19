"""The embedded PostgreSQL server: its folder, account, start and supervised end. Must not hold: any SQL of ours."""
