"""Answers between the database and the arithmetic: one schema, one object, which attempt counts, what a blank means."""
