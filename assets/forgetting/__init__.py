"""What is stored here of one learner, and its removal for good. Stays out: Dagster, and the platform's own rows."""
