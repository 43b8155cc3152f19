"""What was typed -> rows of text with their places: files, folders, encodings, CSV, Parquet and xAPI."""
