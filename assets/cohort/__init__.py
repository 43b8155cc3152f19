"""The tables of the cohort report: what one week's learners, answers and items look like together."""
