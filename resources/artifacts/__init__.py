"""Where finished reports are kept."""
