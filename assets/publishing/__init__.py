"""From abilities and answers to stored reports, and their upkeep. Must not hold: Dagster."""
