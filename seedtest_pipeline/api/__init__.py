"""The sidecar that the exam platform calls when a session ends."""
