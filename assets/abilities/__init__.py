"""From answers to stored abilities, weekly and on demand. Must not hold: Dagster."""
