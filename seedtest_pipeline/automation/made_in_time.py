"""The schedule `made_in_time`: at Monday noon a check looks whether last week was made, even where nothing ran."""

import dagster as dg

from assets.checks import IN_TIME


def made_in_time_schedule() -> dg.ScheduleDefinition:
    """Mondays 12:00 UTC, six hours after the weekly schedule."""
    return dg.ScheduleDefinition(
        name="made_in_time",
        cron_schedule="0 12 * * 1",
        execution_timezone="UTC",
        job=dg.define_asset_job("made_in_time", dg.AssetSelection.checks(IN_TIME), description="Was last week made?"),
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Looks whether last week's reports are made for everybody who answered.",
    )
