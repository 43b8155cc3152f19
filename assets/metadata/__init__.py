"""What Dagster shows of an asset beside its counts: tables, pictures, and what a person should do about it."""
