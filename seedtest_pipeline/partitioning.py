"""Settings -> the partitions. Apart from the other parts, since these are Dagster's."""

from functools import cache

from assets.partitions import Partitions
from assets.user_keys import UserKeys
from resources.model import Week
from seedtest_pipeline.settings import Settings


@cache
def partitions(settings: Settings) -> Partitions:
    return Partitions(Week(settings.first_week), UserKeys(settings.user_partitions))
