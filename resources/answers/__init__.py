"""Answers on their way from the database to the arithmetic: one schema, one object, one rule which attempt counts."""
