"""Rows of text -> exact values, and every mistake with its place: column by column, then what several rows show."""
