"""Ability over time: states, how the group moves, past levels, and verdicts on change."""
