"""Materializing assets from the command line: the same job, tags and history as a run from Dagster's UI."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from assets.failures import ATTENDED
from assets.partitions import Partitions, partition_key, range_tags
from resources.errors import InvalidInput, OperatorRequired
from resources.model import Week
from resources.progress import Progress
from seedtest_pipeline import definitions
from seedtest_pipeline.automation import orphaned_runs, user_keys
from seedtest_pipeline.partitioning import partitions
from seedtest_pipeline.wiring import Parts

WEEKLY = ("responses", "theta_estimates", "weekly_reports")


@dataclass(frozen=True)
class Outcome:
    """What one run made: seconds and metadata per asset, in the order they ran."""

    run_id: str
    seconds: Mapping[str, float]
    metadata: Mapping[str, Mapping[str, dg.MetadataValue]]


@dataclass(frozen=True)
class Runner:
    """Runs assets in this process against Dagster's instance."""

    parts: Parts
    progress: Progress
    instance: dg.DagsterInstance = field(default_factory=lambda: open_instance())

    @property
    def partitions(self) -> Partitions:
        return partitions(self.parts.settings)

    def unpartitioned(self, asset: str, config: Mapping[str, object] | None = None) -> Outcome:
        return self._run([asset], {}, {"ops": {asset: {"config": config}}} if config else {})

    def weeks(self, weeks: Sequence[Week], user_id: str | None = None) -> Outcome:
        """The weekly assets of contiguous weeks: of all users in one run, or of one user.

        Raises:
            InvalidInput: there are no users, the user is unknown, or a week lies before FIRST_WEEK or in the future.
            OperatorRequired: an asset failed; the message is the asset's own.
        """
        partitions = self.partitions
        self._require_partitions(weeks)
        self._make("estimator", "artifacts")
        known = self.add_missing_keys()
        if not known:
            raise InvalidInput(
                "The database holds no users", remedy="run `seedtest ingest FILE` (or `seedtest demo`) first."
            )
        if user_id is None:
            keys = partitions.user_keys(self.instance)
            return self._run(WEEKLY, range_tags(weeks, keys), {})
        if user_id not in known:
            raise InvalidInput(
                f"No user {user_id!r} is read from exam_results",
                remedy="check the id, ingest their answers first, or see `seedtest ignored`.",
            )
        key = partitions.users.key_of(user_id)
        config = {"ops": {asset: {"config": {"user_ids": [user_id]}} for asset in WEEKLY}}
        tags = range_tags(weeks, [key]) if len(weeks) > 1 else {}
        return self._run(WEEKLY, tags, config, None if tags else str(partition_key(weeks[0], key)))

    def cohort(self, week: Week) -> Outcome:
        """The cohort report of a week.

        Raises:
            InvalidInput: the week lies before FIRST_WEEK or in the future.
            OperatorRequired: the report failed, or the week has no estimates; the message is the asset's own.
        """
        self._require_partitions([week])
        self._make("artifacts")
        return self._run(["cohort_reports"], {}, {}, week.key)

    def classes(self, week: Week, group: str | None = None) -> Outcome:
        """The class reports of a week, of all groups or of one.

        Raises:
            InvalidInput: the week lies before FIRST_WEEK or in the future.
            OperatorRequired: a report failed, or there is no such group; the message is the asset's own.
        """
        self._require_partitions([week])
        self._make("artifacts")
        config = {"ops": {"class_reports": {"config": {"groups": [group]}}}} if group is not None else {}
        return self._run(["class_reports"], {}, config, week.key)

    def add_missing_keys(self) -> list[str]:
        """Register keys of users who have none, as the sensor does; returns all user ids."""
        user_ids, new = user_keys.missing_keys(self.partitions, self.instance, self.parts.engine)
        if new:
            self.instance.add_dynamic_partitions("user", new)
        return user_ids

    def _make(self, *names: str) -> None:
        """These parts now: what their settings lack is then an error of its own, and not one inside Dagster's."""
        for name in names:
            getattr(self.parts, name)

    def _require_partitions(self, weeks: Sequence[Week]) -> None:
        partitions = self.partitions
        if weeks[0] < partitions.first_week:
            raise InvalidInput(
                f"{weeks[0]} is before the first week, {partitions.first_week}",
                remedy=f"set FIRST_WEEK={weeks[0]} or earlier.",
            )
        if weeks[-1].key not in partitions.weeks.get_partition_keys():
            raise InvalidInput(f"The week {weeks[-1]} is not over yet: its last answers are still to come.")

    def _run(
        self,
        assets: Sequence[str],
        tags: Mapping[str, str],
        config: Mapping[str, object],
        key: str | None = None,
    ) -> Outcome:
        self._make("engine")
        job = definitions.build(self.parts, self.progress).resolve_implicit_global_asset_job_def()
        orphaned_runs.close(self.instance)
        result = job.execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(asset) for asset in assets],
            tags={**tags, ATTENDED: "yes"},
            partition_key=key,
            run_config={**config, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )
        if not result.success:
            raise _failure(result)
        events = [event for event in result.all_events if event.is_step_success]
        return Outcome(
            result.run_id,
            {event.step_key or "": event.step_success_data.duration_ms / 1000 for event in events},
            {asset: _metadata(result, asset) for asset in assets},
        )


def open_instance() -> dg.DagsterInstance:
    """DAGSTER_HOME's, without its copies of standard output: here that is the terminal, and each step would start two
    processes to copy it, which a terminal's Ctrl-C kills with a traceback."""
    uncopied = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
    home = os.environ["DAGSTER_HOME"]
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(home, overrides={"compute_logs": uncopied}))


def _metadata(result: dg.ExecuteInProcessResult, asset: str) -> Mapping[str, dg.MetadataValue]:
    """The asset's last word: a run for some learners of a bucket observes its partition instead of materializing it."""
    made = result.asset_materializations_for_node(asset) or result.asset_observations_for_node(asset)
    return made[-1].metadata if made else {}


def _failure(result: dg.ExecuteInProcessResult) -> BaseException:
    """The failed asset and its error's own sentence, which Dagster wraps in classes of its own.

    KeyboardInterrupt where a person ended the run: Dagster has noted it, and the command ends as others do.
    """
    failed = next((event for event in result.all_events if event.is_step_failure), None)
    if failed is None:
        return OperatorRequired(
            "The run failed before any asset began", remedy=f"`seedtest ui`, run {result.run_id}, shows why."
        )
    error = failed.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    if error is not None and error.cls_name == dg.DagsterExecutionInterruptedError.__name__:
        return KeyboardInterrupt()
    ours = failed.step_failure_data.user_failure_data  # of a dg.Failure, as `in_words` and the assets raise it
    if ours and ours.description:
        return OperatorRequired(f"{failed.step_key}: {ours.description}")
    message = error.message.strip() if error else "no message"
    return OperatorRequired(
        f"{failed.step_key}: {message}\nWhere it was raised", remedy=f"`seedtest ui`, run {result.run_id}."
    )
