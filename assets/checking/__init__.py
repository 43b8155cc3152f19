"""Whether what is stored is true, and what to do where it is not. Must not hold: Dagster, mending."""
