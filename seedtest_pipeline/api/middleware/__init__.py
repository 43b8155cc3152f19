"""What surrounds every request: its context, limits, log and metrics."""
