"""From the learners of groups to stored class reports. Without Dagster."""
