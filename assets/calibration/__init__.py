"""From answers to an item bank. Must not hold: Dagster, storage."""
