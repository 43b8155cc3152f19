"""Composition: settings, wiring, Dagster definitions, automation and the command line."""
