"""Item banks, and what people call the items."""
