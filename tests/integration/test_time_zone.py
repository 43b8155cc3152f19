"""Weeks are those of the platform's time zone, and those of two zones are never mixed."""

import pandas as pd
import pytest

from resources.database.engine import make_engine, transaction
from resources.database.schema import time_zone
from resources.errors import OperatorRequired
from seedtest_pipeline.runs import Runner
from seedtest_pipeline.wiring import Parts
from tests.integration import deployment
from tests.integration.deployment import FIRST, WEEKS, quiet

WHAT = ["user_id", "week_start", "theta", "se", "n_items", "as_of", "prior_mean", "prior_sd", "fingerprint"]


@pytest.fixture
def seoul(observed) -> None:
    observed("Asia/Seoul")  # for the time of the test: `Parts` observe what their settings say


def _made(parts: Parts) -> pd.DataFrame:
    Runner(parts, quiet).weeks(WEEKS)
    return deployment.estimates(parts)[WHAT]


def test_weeks_made_again_after_the_zone_was_changed_are_those_of_a_platform_that_was_always_there(
    seoul, monkeypatch, tmp_path, database_url, shared_database_url
):
    """Answers of Monday, 08:30, in Seoul stood in the report of the week before."""
    exam = deployment.exam()
    parts = deployment.deployed(monkeypatch, tmp_path / "changed", database_url, exam, "4")
    deployment.adopt_true_bank(parts, exam)
    of_utc = _made(parts)

    monkeypatch.setenv("SEEDTEST_TIMEZONE", "Asia/Seoul")
    changed = Parts(type(parts.settings).load())
    with pytest.raises(OperatorRequired, match=r"is Asia/Seoul.* those of UTC.*seedtest migrate.*make the weeks again"):
        _ = changed.engine
    other = make_engine(shared_database_url)
    for engine, any_made in ((parts.engine, True), (other, False)):  # as `seedtest migrate` does
        with transaction(engine) as connection:
            assert time_zone.settle(connection, "Asia/Seoul") == any_made
            assert not time_zone.settle(connection, "Asia/Seoul")
    other.dispose()
    of_seoul = _made(changed)

    always = deployment.deployed(monkeypatch, tmp_path / "always", shared_database_url, exam, "4")
    deployment.adopt_true_bank(always, exam)
    pd.testing.assert_frame_equal(_made(always), of_seoul, check_exact=False, rtol=0, atol=1e-9)
    assert of_seoul.as_of.min() == pd.Timestamp(FIRST.plus(1).start, tz="Asia/Seoul")
    assert not of_seoul.theta.equals(of_utc.theta)
    assert "00:00 KST" in deployment.page(changed, of_seoul.user_id[0], FIRST).read_text()
    for of in (parts, changed, always):
        of.engine.dispose()
