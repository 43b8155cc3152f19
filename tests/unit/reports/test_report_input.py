from dataclasses import replace

import pytest

from resources.errors import InvalidInput
from tests.unit.reports.example import WEEK, given


def test_a_history_that_knows_the_future_is_refused() -> None:
    with pytest.raises(InvalidInput, match="must ascend"):
        replace(given(), week=WEEK.plus(-1))
