"""The HTTP API that the exam platform calls when a session ends. Must not hold: Dagster."""
