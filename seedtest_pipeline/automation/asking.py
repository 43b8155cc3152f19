"""How often one thing is asked for: three times with longer and longer waits, and then it is a person's."""

import datetime as dt

import dagster as dg

# On a run that was asked for because something was due: what, in a few letters.
DUE = "seedtest/due"
# Before the first, second and third time. The run itself has tried for minutes (assets/failures.py).
WAITS = (dt.timedelta(0), dt.timedelta(minutes=10), dt.timedelta(hours=1))

UNFINISHED = dg.RunsFilter(
    statuses=[
        dg.DagsterRunStatus.QUEUED,
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
    ]
)


def turn(instance: dg.DagsterInstance, what: str, now: dt.datetime) -> int | str:
    """How many times `what` was asked for, where it may be asked for once more, or the sentence why it may not.

    Runs that Dagster, or a person, started again from one of these are a part of it.
    """
    records = instance.get_run_records(dg.RunsFilter(tags={DUE: what}))
    asked = sum(record.dagster_run.parent_run_id is None for record in records)
    if not records:
        return 0
    if any(not record.dagster_run.is_finished for record in records):
        return f"{what}: a run for it is under way."
    newest = max(records, key=lambda record: record.create_timestamp)
    run_id = newest.dagster_run.run_id
    if asked >= len(WAITS):
        return (
            f"{what}: asked for {asked} times, and still due. Look at run {run_id}, mend the cause, and re-execute "
            "that run or materialize its partitions."
        )
    ended = dt.datetime.fromtimestamp(newest.end_time or newest.update_timestamp.timestamp(), dt.UTC)
    if now < ended + WAITS[asked]:
        return f"{what}: run {run_id} did not make it; again after {ended + WAITS[asked]:%F %H:%M} UTC."
    return asked


def request_tags(what: str) -> dict[str, str]:
    """So that the run is counted by `turn`."""
    return {DUE: what}


def run_key(what: str, asked: int) -> str:
    """Another one each time: Dagster launches a run key once for ever."""
    return f"{what}|{asked}"
