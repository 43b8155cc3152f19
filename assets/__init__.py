"""What is made, from what, per week and user."""
