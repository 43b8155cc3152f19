"""Telling a person that something failed: channels out of this system. Must not hold: what is told, and when."""
