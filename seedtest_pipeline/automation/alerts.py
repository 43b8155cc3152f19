"""The sensors `alert_webhook` and `alert_mail`: a run that failed for good is told to a person, once.

A sensor a channel, each with a place of its own in Dagster's log, so that one channel that is down neither holds the
other up nor makes it tell twice. A failure that Dagster tries again by itself is not told: its last retry is. Who
waits for a command reads its failure there.
"""

import time

import dagster as dg

from assets.failures import ATTENDED
from resources.alerts.channel import Channel
from resources.errors import SeedtestError

INTERVAL_S = 30
_PER_TICK = 20  # of a backfill that fails whole; the others come with the next ticks
# Dagster notes just after the failure whether it will try again.
_SETTLED_S = 10.0
_WILL_RETRY = "dagster/will_retry"
_LONGEST_SENTENCE = 500


def alert_sensor(channel: Channel, ui_url: str) -> dg.SensorDefinition:
    """`ui_url` is where a person opens Dagster's UI."""

    @dg.sensor(
        name=f"alert_{channel.name}",
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Tells by {channel.name} which run failed and is not tried again.",
    )
    def alert(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Raises RetryLater or OperatorRequired where nothing could be told; the tick is red, and the next one tries
        again from there."""
        if context.cursor is None:  # what failed before alerts were set up is no news
            newest = _failures(context.instance, None, 1, newest_first=True)
            return dg.SensorResult(cursor=str(newest[0].storage_id if newest else 0))
        cursor, told = context.cursor, 0
        for record in _failures(context.instance, int(cursor), _PER_TICK):
            if time.time() - record.timestamp < _SETTLED_S:
                break
            run = context.instance.get_run_by_id(record.run_id)
            if run is not None and run.tags.get(_WILL_RETRY) != "true" and ATTENDED not in run.tags:
                try:
                    complaint = channel.send(*describe(context.instance, run, record, ui_url))
                except SeedtestError:
                    if not told:
                        raise
                    break  # what was told is not told again
                if complaint:
                    context.log.warning(complaint)
                told += 1
            cursor = str(record.storage_id)
        return dg.SensorResult(cursor=cursor, skip_reason=f"{told} failures told.")

    return alert


def describe(
    instance: dg.DagsterInstance, run: dg.DagsterRun, record: dg.EventLogRecord, ui_url: str
) -> tuple[str, str]:
    """Subject and text: what failed, the error's own sentence, how many learners' files failed, and where to look.

    Only a message's first line is told: further ones name learners, which is for who may open Dagster's UI.
    """
    failures = [
        entry for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE) if entry.step_key
    ]
    lines = []
    for entry in failures:
        failed = entry.get_dagster_event().step_failure_data
        ours, error = failed.user_failure_data, failed.error
        while error is not None and error.cause is not None:
            error = error.cause
        sentence = (ours and ours.description) or (error and error.message) or "no message"
        lines.append(f"{entry.step_key}: {_first_line(sentence)}")
        count = ours and ours.metadata.get("failed")
        if isinstance(count, dg.IntMetadataValue):
            lines.append(f"Failed: {count.value:,}")
    names = sorted({entry.step_key for entry in failures if entry.step_key})
    if not failures:
        lines.append(_first_line(record.event_log_entry.get_dagster_event().message or "The run ended without a word."))
    what = (
        ", ".join(names) or ", ".join(sorted(key.to_user_string() for key in run.asset_selection or ())) or run.job_name
    )
    return f"seedtest: {what} failed", "\n".join([*lines, f"{ui_url.rstrip('/')}/runs/{run.run_id}"])


def _failures(
    instance: dg.DagsterInstance, after: int | None, limit: int, *, newest_first: bool = False
) -> list[dg.EventLogRecord]:
    wanted = dg.RunStatusChangeRecordsFilter(dg.DagsterEventType.RUN_FAILURE, after_storage_id=after)
    return list(instance.fetch_run_status_changes(wanted, limit, ascending=not newest_first).records)


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line if len(line) <= _LONGEST_SENTENCE else f"{line[: _LONGEST_SENTENCE - 1]}…"
