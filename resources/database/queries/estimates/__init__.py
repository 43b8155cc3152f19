"""Abilities of weeks and current ones, the group's movement, and what a week was made from."""
