"""Exports of other systems as responses: their columns, and what is worked out. Must not hold: what a value may be."""
