"""The definitions with fewer learners in a run: so a week of a small exam is several runs."""

from seedtest_pipeline.automation import schedule
from seedtest_pipeline.definitions import defs

schedule.LEARNERS_PER_RUN = 24

__all__ = ["defs"]
