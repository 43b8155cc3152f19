"""Dagster's definitions: the assets in their order, their resources, the schedule and the sensors."""

import datetime as dt
import warnings
from collections.abc import Iterator

import dagster as dg
import sqlalchemy as sa

from assets import (
    checks,
    class_reports,
    cohort_reports,
    item_parameters,
    population,
    report_template,
    responses,
    theta_estimates,
    weekly_reports,
)
from resources import private_folder
from resources.progress import LogProgress, Progress
from seedtest_pipeline import catalog
from seedtest_pipeline.automation.alerts import alert_sensor
from seedtest_pipeline.automation.catch_up import CURRENT_ABILITIES, catch_up_sensor
from seedtest_pipeline.automation.check_alerts import check_alert_sensor
from seedtest_pipeline.automation.due_weeks import due_weeks_sensor
from seedtest_pipeline.automation.events import events_sensor
from seedtest_pipeline.automation.history_retention import history_retention_sensor
from seedtest_pipeline.automation.made_in_time import made_in_time_schedule
from seedtest_pipeline.automation.schedule import Monday, weekly_schedule
from seedtest_pipeline.automation.staff_reports import classes_sensor, cohort_sensor
from seedtest_pipeline.automation.user_keys import user_keys_sensor
from seedtest_pipeline.partitioning import partitions
from seedtest_pipeline.settings import Settings, prepare_process
from seedtest_pipeline.wiring import QUARTO_SOURCE, Parts


def build(parts: Parts, progress: Progress) -> dg.Definitions:
    """Definitions over these parts; none of them is opened before a run or a sensor needs it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # of backfill_policy, at each asset: nothing to do about it
        return _build(parts, progress)


def _build(parts: Parts, progress: Progress) -> dg.Definitions:
    weeks_and_users, charts = partitions(parts.settings), QUARTO_SOURCE / "charts"
    made_weekly = catalog.described([
        responses.build(weeks_and_users),
        theta_estimates.build(weeks_and_users, parts.bank_choice, charts),
        weekly_reports.build(
            weeks_and_users, parts.bank_choice, parts.compile_templates,
            dt.timedelta(days=parts.settings.departed_days), parts.settings.report_processes,
            parts.settings.report_absentees, parts.settings.report_editions,
        ),
    ])  # fmt: skip
    cohorts, classes, *others = catalog.described([
        cohort_reports.build(weeks_and_users, QUARTO_SOURCE, parts.settings.report_lang),
        class_reports.build(weeks_and_users, parts.bank_choice, parts.compile_class_templates),
        item_parameters.build(
            parts.settings.irt_model, parts.settings.irt_bank_version, charts, parts.settings.irt_guessing
        ),
        population.build(weeks_and_users, parts.bank_choice),
        report_template.build(parts.compile_templates),
    ])  # fmt: skip
    user_keys = user_keys_sensor(weeks_and_users)
    monday = Monday(parts.settings.zone)
    judged = checks.build(weeks_and_users, parts.bank_choice, monday.made_by)
    return dg.Definitions(
        assets=[
            catalog.EXAM_RESULTS,
            *made_weekly,
            cohorts,
            classes,
            *others,
            catalog.described_spec(CURRENT_ABILITIES),
        ],
        asset_checks=judged,
        schedules=[weekly_schedule(weeks_and_users, made_weekly, monday), made_in_time_schedule(monday)],
        sensors=[
            due_weeks_sensor(weeks_and_users, made_weekly, parts.bank_choice, parts.settings.report_kinds, monday),
            catch_up_sensor(parts.bank_choice),
            cohort_sensor(cohorts),
            classes_sensor(classes),
            history_retention_sensor(parts.settings.dagster_keep_days),
            *([user_keys] if user_keys else []),
            *([events_sensor(parts.event_webhook)] if parts.event_webhook else []),
            *(alert_sensor(channel, parts.settings.dagster_ui_url) for channel in parts.alert_channels),
            *(check_alert_sensor(channel, parts.settings.dagster_ui_url, judged) for channel in parts.alert_channels),
        ],
        resources={
            "engine": dg.ResourceDefinition(lambda _: _closed_afterwards(parts)),
            "warehouse": dg.ResourceDefinition(lambda _: parts.warehouse),
            "links": dg.ResourceDefinition(lambda _: parts.links),
            "artifacts": dg.ResourceDefinition(lambda _: parts.artifacts),
            "estimator": dg.ResourceDefinition(lambda _: parts.estimator),
            "rules": dg.ResourceDefinition(lambda _: parts.rules),
            "scale": dg.ResourceDefinition(lambda _: parts.settings.scale),
            "progress": dg.ResourceDefinition(lambda _: progress),
        },
        executor=dg.in_process_executor,
    )


def _closed_afterwards(parts: Parts) -> Iterator[sa.Engine]:
    """The connections of a run or a sensor's tick end with it: the daemon's processes live for months."""
    yield parts.engine
    parts.engine.dispose()


@dg.definitions
def defs() -> dg.Definitions:
    """What workspace.yaml loads."""
    settings = Settings.load()
    private_folder.close(settings.home)
    prepare_process()
    return build(Parts(settings), LogProgress())
