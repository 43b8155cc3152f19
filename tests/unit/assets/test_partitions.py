import warnings

import dagster as dg
import pytest

from assets.partitions import (
    RANGE_END,
    RANGE_START,
    Partitions,
    range_tags,
    selection,
)
from assets.selection import Selection
from assets.user_keys import UserKeys
from resources.model import Week

FIRST = Week.parse("2025-01-06")


@pytest.fixture(params=[0, 4], ids=["users", "buckets"])
def partitions(request):
    return Partitions(FIRST, UserKeys(request.param))


@pytest.fixture
def instance(partitions):
    with dg.DagsterInstance.ephemeral() as instance:
        if not partitions.users.buckets:
            instance.add_dynamic_partitions("user", [f"u{n}" for n in range(5)])
        yield instance


def run(partitions: Partitions, instance: dg.DagsterInstance, **how: object) -> tuple[bool, list[Selection]]:
    """What an asset over these partitions was asked for by a run that is launched `how`."""
    seen: list[Selection] = []

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)

        @dg.asset(partitions_def=partitions.definition, backfill_policy=dg.BackfillPolicy.single_run())
        def made(context: dg.AssetExecutionContext) -> None:
            seen.append(selection(context))

    result = dg.materialize([made], instance=instance, raise_on_error=False, **how)
    return result.success, seen


def test_a_range_of_weeks_and_users_is_their_product(partitions, instance):
    keys = partitions.user_keys(instance)[1:4]
    success, seen = run(partitions, instance, tags=range_tags([FIRST, FIRST.plus(1), FIRST.plus(2)], keys))
    assert success
    assert seen[0].weeks == [FIRST, FIRST.plus(1), FIRST.plus(2)]
    assert all(list(of_week) == sorted(keys) for of_week in seen[0].keys.values())


def test_a_single_partition_is_one_week_and_one_key(partitions, instance):
    key = partitions.user_keys(instance)[2]
    success, seen = run(partitions, instance, partition_key=f"{key}|{FIRST}")
    assert success
    assert seen[0].keys == {FIRST: [key]}


def test_a_run_with_a_range_and_a_single_partition_is_refused_and_does_not_make_one_of_many(partitions, instance):
    keys = partitions.user_keys(instance)
    tags = {"dagster/partition/week": FIRST.key, "dagster/partition/user": keys[0], **range_tags([FIRST], keys)}
    success, seen = run(partitions, instance, tags=tags)
    assert not success
    assert seen == []


@pytest.mark.parametrize("reversed_in", ["weeks", "users"])
def test_a_range_whose_ends_are_the_wrong_way_round_is_refused_with_a_sentence(partitions, instance, reversed_in):
    """One asset succeeded with one event of no partition, and the next died with a traceback."""
    weeks, keys = [FIRST, FIRST.plus(1)], list(partitions.user_keys(instance))
    tags = range_tags(weeks[::-1], keys) if reversed_in == "weeks" else range_tags(weeks, keys[::-1])
    seen: list[dg.Failure] = []

    @dg.asset(partitions_def=partitions.definition)
    def made(context: dg.AssetExecutionContext) -> None:
        with pytest.raises(dg.Failure) as refused:
            selection(context)
        seen.append(refused.value)

    assert dg.materialize([made], instance=instance, tags=tags, raise_on_error=False).success
    assert seen[0].description.startswith(f"No partition lies between {tags[RANGE_START]} and {tags[RANGE_END]}: ")


def test_range_tags_name_both_corners():
    tags = range_tags([FIRST, FIRST.plus(1)], ["a", "b", "c"])
    assert tags == {RANGE_START: "a|2025-01-06", RANGE_END: "c|2025-01-13"}


def test_every_user_belongs_to_one_bucket_and_buckets_share_the_load():
    users = UserKeys(16)
    keys = Partitions(FIRST, users).user_dimension.get_partition_keys()
    ids = [f"user{n}" for n in range(4_000)]
    sizes = [len(users.by_key(ids)[key]) for key in keys]
    assert sum(sizes) == len(ids)
    assert min(sizes) > 150


def test_a_bucket_is_the_same_on_every_machine():
    # 0xCBF43926 is CRC-32's published check value for these nine digits.
    assert UserKeys(64).key_of("123456789") == f"b{0xCBF43926 % 64:03d}of64"


def test_an_odd_user_id_becomes_a_key_that_dagster_keeps():
    users = UserKeys(0)
    with dg.DagsterInstance.ephemeral() as instance:
        odd = ["a|b", "a...b", "Ünïcode", "日本", "x y"]
        instance.add_dynamic_partitions("user", [users.key_of(user) for user in odd])
        partitions = Partitions(FIRST, users)
        for user in odd:
            success, seen = run(partitions, instance, partition_key=f"{users.key_of(user)}|{FIRST}")
            assert success
            assert users.by_key(odd)[seen[0].user_keys[0]] == [user]


def test_a_deployment_that_has_outgrown_one_partition_per_user_is_told_so():
    assert UserKeys(0).outgrown(1_000) is None
    assert "USER_PARTITIONS=64" in (UserKeys(0).outgrown(1_001) or "")
    assert UserKeys(64).outgrown(1_000_000) is None
