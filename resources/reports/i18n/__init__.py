"""Languages: words, numbers and dates, and the translation of a document."""
