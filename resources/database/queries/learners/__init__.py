"""What is told of learners: groups, goals; and who is gone."""
