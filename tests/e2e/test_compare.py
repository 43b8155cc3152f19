"""`seedtest compare` on the predecessor's own database."""

import datetime as dt
import json

import numpy as np
import pytest

from resources.database.engine import make_engine, transaction
from resources.database.queries.estimates import current_abilities
from resources.database.queries.estimates.current_abilities import Ability
from resources.database.queries.items import item_banks
from resources.database.schema import migrate
from resources.model import ItemBank
from tests.predecessor import ROWS, SCHEMA

NOW = dt.datetime(2025, 11, 10, tzinfo=dt.UTC)
THETA = np.linspace(-2, 2, 20)  # of learners 0 to 19, on our scale


@pytest.fixture
def moved_in(type_, empty_database_url, monkeypatch):
    """Theirs are (ours - 0.5) / 2, but for learner 7; 20 and 21 have only one of both."""
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    engine = make_engine(empty_database_url)
    with transaction(engine) as connection:
        connection.exec_driver_sql(SCHEMA)
        connection.exec_driver_sql(ROWS)
        connection.exec_driver_sql("DELETE FROM mirt_ability WHERE user_id = 'U1'")
    migrate.upgrade(engine)
    bank = ItemBank("b1", "2PL", ("1003", "1005"), np.array([1.3, 0.8]), np.array([0.1, 0.2]), np.zeros(2))
    with transaction(engine) as connection:
        item_banks.save(connection, bank, item_banks.Fit(True, 9, -100.0, 10, 20, NOW))
        item_banks.adopt(connection, "b1", NOW)
        ours = [Ability(f"{i}", float(theta), 0.3, 4, "2PL", "b1", NOW, NOW) for i, theta in enumerate([*THETA, 0.0])]
        current_abilities.store(connection.connection.driver_connection, ours)
        theirs = (THETA - 0.5) / 2
        theirs[7] += 2
        for i, theta in [*enumerate(theirs.tolist()), (21, 0.0)]:
            connection.exec_driver_sql(
                "INSERT INTO mirt_ability VALUES (%s, %s, 0.2, '2PL', 'v1', %s), "
                "(%s, 9, 0.2, '2PL', 'v0', '2025-01-01')",
                (f"{i}", theta, NOW, f"{i}"),
            )
    engine.dispose()
    return type_


def test_the_newest_of_theirs_is_brought_onto_our_scale_and_who_differs_is_named_first(moved_in):
    told = json.loads(moved_in("compare", "--json", "--largest", "2").out)
    counts = ("learners_in_both", "only_theirs", "only_ours", "rows_of_theirs_left_out", "differ_by_more_than_2_se")
    assert [told[name] for name in counts] == [20, 1, 1, 1, 1]
    assert told["largest"][0]["user_id"] == "7"
    theirs = (THETA - 0.5) / 2
    theirs[7] += 2
    assert told["correlation"] == pytest.approx(np.corrcoef(theirs, THETA)[0, 1])
    assert told["slope"] == pytest.approx(THETA.std() / theirs.std())
    first = told["largest"][0]
    assert first["theirs"] == pytest.approx(told["slope"] * theirs[7] + told["intercept"])
    assert first["z"] == pytest.approx((first["theirs"] - first["ours"]) / np.hypot(0.3, 0.2 * told["slope"]))
    assert told["reports"] == [{"week": "2025-10-27", "theirs": 1, "ours": 0}]


def test_a_person_sees_a_table(moved_in):
    said = moved_in("compare").out
    assert "learners in both" in said
    assert "2025-10-27" in said


def test_without_a_predecessor_there_is_nothing_to_compare(on_exam):
    said = on_exam("compare")
    assert said.exit_code == 1
    assert said.err.startswith("error: No table mirt_ability of a predecessor can be read here")
