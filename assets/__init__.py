"""Dagster's definitions, a file per asset. How each is made stands in the folders, without Dagster."""
