"""From a Quarto document to a template, and from a template to a finished file."""
