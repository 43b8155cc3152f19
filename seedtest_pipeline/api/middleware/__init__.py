"""What surrounds every request: its context, limits, log line, metrics and headers. Must not hold: routes."""
