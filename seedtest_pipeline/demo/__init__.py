"""A synthetic exam with known abilities, and the pipeline run on it."""
