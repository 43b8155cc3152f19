"""The sections of the weekly report, one file each: from plain values to the strings that the document names. Pure.

The sentences stand in quarto/weekly_report.qmd; here it is decided which of them hold, and numbers become text.
"""
