"""The sensors `alert_webhook_checks` and `alert_mail_checks`: a check that failed without stopping its run is told to a
person. A blocking one fails its run, which `alerts` tells.

A week is made in several runs, and each evaluates the checks: a check that goes on failing is told once a day. Numbers
are told and no sentence of the finding, which may name learners: that is for who may open Dagster's UI.
"""

import json
import time
from collections.abc import Sequence

import dagster as dg
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)

from resources.alerts.channel import Channel
from resources.errors import SeedtestError

INTERVAL_S = 60
TOLD_AGAIN_S = 24 * 3600
_SINCE = "since"  # in the cursor, beside a time for each check that was told


def check_alert_sensor(
    channel: Channel, ui_url: str, checks: Sequence[dg.AssetChecksDefinition]
) -> dg.SensorDefinition:
    """`ui_url` is where a person opens Dagster's UI."""
    specs = [spec for definition in checks for spec in definition.check_specs if not spec.blocking]

    @dg.sensor(
        name=f"alert_{channel.name}_checks",
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Tells by {channel.name} which check failed, of those that stop no run.",
    )
    def alert(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Raises RetryLater or OperatorRequired where nothing could be told; the tick is red, and the next one tries
        again."""
        now = time.time()
        if context.cursor is None:  # what failed before alerts were set up is no news
            return dg.SensorResult(cursor=json.dumps({_SINCE: now}))
        told: dict[str, float] = json.loads(context.cursor)
        n = 0
        for spec in specs:
            name = spec.key.to_user_string()
            last = told.get(name)
            if last is not None and now - last < TOLD_AGAIN_S:
                continue
            record = _newest_failure(context.instance, spec.key)
            if record is None or record.event is None or record.event.timestamp <= (last or told[_SINCE]):
                continue
            try:
                complaint = channel.send(*describe(spec, record, ui_url))
            except SeedtestError:
                if not n:
                    raise
                break  # what was told is not told again
            if complaint:
                context.log.warning(complaint)
            told[name], n = now, n + 1
        return dg.SensorResult(cursor=json.dumps(told), skip_reason=f"{n} failed checks told.")

    return alert


def describe(spec: dg.AssetCheckSpec, record: AssetCheckExecutionRecord, ui_url: str) -> tuple[str, str]:
    """Subject and text: what should hold, the numbers that were found, and where the whole finding is."""
    asset = spec.asset_key.to_user_string()
    found = record.evaluation.metadata if record.evaluation else {}
    numbers = [f"{name}: {_shown(value.value)}" for name, value in sorted(found.items())]
    link = f"{ui_url.rstrip('/')}/assets/{asset}?view=checks&checkDetail={spec.name}"
    return f"seedtest: check {spec.name} of {asset} failed", "\n".join(
        [f"Should hold: {spec.description}", *numbers, link]
    )


def _newest_failure(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> AssetCheckExecutionRecord | None:
    """Of those that count as failed, and not as a warning."""
    failed = instance.event_log_storage.get_asset_check_execution_history(
        key, limit=20, status={AssetCheckExecutionRecordStatus.FAILED}
    )
    return next((record for record in failed if record.evaluation and _is_error(record.evaluation)), None)


def _is_error(evaluation: dg.AssetCheckEvaluation) -> bool:
    return evaluation.severity == dg.AssetCheckSeverity.ERROR


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
