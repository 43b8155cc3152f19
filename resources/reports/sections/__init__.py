"""The sections of the weekly report, one file each: from plain values to the strings and conditions that the document names.

Sentences stand in quarto/weekly_report.qmd; here it is decided which of them hold, and numbers become text. All pure.
"""
