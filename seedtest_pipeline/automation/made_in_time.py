"""The schedule `made_in_time`: on Mondays a check looks whether last week was made, even where nothing ran."""

import dagster as dg

from assets.checks import IN_TIME
from seedtest_pipeline.automation.schedule import Monday


def made_in_time_schedule(monday: Monday) -> dg.ScheduleDefinition:
    """Six hours after the weekly schedule, by the same clock."""
    return dg.ScheduleDefinition(
        name="made_in_time",
        cron_schedule=monday.cron_of_check,
        execution_timezone=monday.zone.key,
        job=dg.define_asset_job("made_in_time", dg.AssetSelection.checks(IN_TIME), description="Was last week made?"),
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Looks whether last week's reports are made for everybody who answered.",
    )
