from dataclasses import replace

import pytest

from docs.sample_learner import WEEK, given
from resources.errors import InvalidInput


def test_a_history_that_knows_the_future_is_refused() -> None:
    with pytest.raises(InvalidInput, match="must ascend"):
        replace(given(), week=WEEK.plus(-1))
