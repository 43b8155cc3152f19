"""A bank is saved under a version that never changes, and is in force only once somebody adopts it."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine, transaction
from resources.database.queries.items import item_banks
from resources.database.queries.items.item_banks import BankChoice, Fit
from resources.errors import InvalidInput, NoItemBank, NotConverged
from resources.model import ItemBank

NOW = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(days=1)
FIT = Fit(True, 13, -1234.5, 500, 9000, NOW, {"left out": {"i9": "all right"}})


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    engine = make_engine(database_url)
    with transaction(engine) as connection:
        yield connection
    engine.dispose()


def bank(version: str = "v1", c: float = 0.0, b: float = 1 / 3) -> ItemBank:
    return ItemBank(
        version, "3PL" if c else "2PL", ("i2", "I1", "ü"), np.array([1.1, 0.9, 2.0]), np.array([b, -0.5, 6.02e23]),
        np.full(3, c),
    )  # fmt: skip


def insert(connection: sa.Connection, model: str, params: str, version: str = "old") -> None:
    connection.exec_driver_sql(
        "INSERT INTO mirt_item_params (item_id, model, version, params) VALUES ('7', %(m)s, %(v)s, %(p)s)",
        {"m": model, "v": version, "p": params},
    )


def test_a_bank_comes_back_exactly_in_the_order_of_its_keys(connection: sa.Connection) -> None:
    item_banks.save(connection, bank(c=0.2), FIT)
    found = item_banks.load(connection, "v1")
    assert (found.version, found.model, found.item_keys) == ("v1", "3PL", ("I1", "i2", "ü"))
    assert found.a.tolist() == [0.9, 1.1, 2.0]
    assert found.b.tolist() == [-0.5, 1 / 3, 6.02e23]
    assert found.c.tolist() == [0.2, 0.2, 0.2]


def test_topics_are_kept_where_they_were_known(connection: sa.Connection) -> None:
    item_banks.save(connection, replace(bank(), topics={"ü": "Sätze", "I1": "2"}), FIT)
    assert item_banks.load(connection, "v1").topics == {"ü": "Sätze", "I1": "2"}
    insert(connection, "2PL", '{"a": 1, "b": 0, "c": 0}')
    assert item_banks.load(connection, "old").topics == {}


def test_the_fit_and_the_errors_are_kept(connection: sa.Connection) -> None:
    whole = np.full((3, 3, 3), np.nan)
    whole[0, :2, :2] = [[0.01, -0.002], [-0.002, 0.09]]
    whole[1, 1, 1] = 0.16
    item_banks.save(connection, bank(), FIT, whole, np.array([10, 20, 30]))
    nothing = dict.fromkeys(("a", "b", "c", "ab", "ac", "bc"))
    rows = connection.exec_driver_sql(
        "SELECT item_id, standard_errors, n_responses, fitted_at FROM mirt_item_params ORDER BY n_responses"
    )
    assert [tuple(row) for row in rows] == [
        ("i2", nothing | {"a": 0.1, "b": 0.3, "ab": -0.002}, 10, NOW), ("I1", nothing | {"b": 0.4}, 20, NOW),
        ("ü", nothing, 30, NOW),
    ]  # fmt: skip
    found, n, since = item_banks.precision(connection, stored := item_banks.load(connection, "v1"))
    order = [bank().item_keys.index(key) for key in stored.item_keys]
    np.testing.assert_allclose(found, whole[order])
    assert n.tolist() == np.array([10, 20, 30])[order].tolist()
    assert since == [NOW] * 3
    fit = connection.exec_driver_sql("SELECT * FROM mirt_fit_meta").mappings().one()
    assert (fit["model"], fit["converged"], fit["adopted_at"]) == ("2PL", True, None)
    assert (fit["cycles"], fit["log_likelihood"]) == (13, -1234.5)
    assert (fit["n_users"], fit["n_items"], fit["n_responses"]) == (500, 3, 9000)
    assert fit["details"] == {"left out": {"i9": "all right"}}


def test_a_version_never_changes(connection: sa.Connection) -> None:
    item_banks.save(connection, bank(), FIT)
    item_banks.save(connection, bank(), FIT)
    with pytest.raises(InvalidInput, match="Item bank v1 is there already, with other items or parameters"):
        item_banks.save(connection, bank(b=0.3), FIT)
    assert item_banks.load(connection, "v1").b[1] == 1 / 3


def test_a_saved_bank_is_in_force_only_when_adopted(connection: sa.Connection) -> None:
    with pytest.raises(NoItemBank, match=r"^No item bank is in force\. Run: seedtest calibrate$"):
        item_banks.in_force(connection)
    item_banks.save(connection, bank("v1"), FIT)
    with pytest.raises(NoItemBank):
        item_banks.in_force(connection)
    item_banks.adopt(connection, "v1", NOW)
    assert item_banks.in_force(connection) == "v1"
    item_banks.save(connection, bank("v2"), FIT)
    assert item_banks.in_force(connection) == "v1"
    item_banks.adopt(connection, "v2", LATER)
    assert item_banks.in_force(connection) == "v2"
    item_banks.adopt(connection, "v1", LATER + dt.timedelta(seconds=1))
    assert item_banks.in_force(connection) == "v1"


def test_a_pinned_version_goes_before_the_adopted_one_and_must_be_there(connection: sa.Connection) -> None:
    item_banks.save(connection, bank("v1"), FIT)
    item_banks.save(connection, bank("v2"), FIT)
    item_banks.adopt(connection, "v2", NOW)
    assert item_banks.in_force(connection, "v1") == "v1"
    with pytest.raises(NoItemBank, match=r"IRT_BANK_VERSION names the item bank v3.*Run: seedtest calibrate"):
        item_banks.in_force(connection, "v3")


def test_only_what_was_saved_and_converged_can_be_adopted(connection: sa.Connection) -> None:
    with pytest.raises(NoItemBank, match="no calibration v1"):
        item_banks.adopt(connection, "v1", NOW)
    item_banks.save(connection, bank(), Fit(False, 500, -1.0, 5, 50, NOW))
    with pytest.raises(NotConverged, match="The calibration v1 did not converge"):
        item_banks.adopt(connection, "v1", NOW)
    with pytest.raises(NoItemBank):
        item_banks.in_force(connection)


def test_a_bank_from_before_this_pipeline_can_be_pinned(connection: sa.Connection) -> None:
    insert(connection, "2PL", '{"a": 1, "b": 0.5}')
    assert item_banks.in_force(connection, "old") == "old"
    found = item_banks.load(connection, "old")
    assert (found.item_keys, found.a[0], found.b[0], found.c[0]) == (("7",), 1.0, 0.5, 0.0)


def test_two_models_under_one_version_need_a_name(connection: sa.Connection) -> None:
    insert(connection, "2PL", '{"a": 1, "b": 0.5}')
    insert(connection, "3PL", '{"a": 1, "b": 0.5, "c": 0.1}')
    with pytest.raises(InvalidInput, match="Item bank old is there for 2PL and 3PL: name one of them in IRT_MODEL"):
        item_banks.load(connection, "old")
    assert item_banks.load(connection, "old", "3PL").c[0] == 0.1
    assert item_banks.load_chosen(connection, BankChoice("old", "2PL")).c[0] == 0
    assert item_banks.identify_chosen(connection, BankChoice("old", "3PL")) == ("old", "3PL")
    with pytest.raises(NoItemBank, match="There is no item bank other"):
        item_banks.load(connection, "other")


def test_a_version_with_one_model_is_that_one_whichever_was_chosen(connection: sa.Connection) -> None:
    insert(connection, "3PL", '{"a": 1, "b": 0.5, "c": 0.1}')
    assert item_banks.load_chosen(connection, BankChoice("old", "2PL")).model == "3PL"


def test_a_choice_that_is_none_of_two_models_is_no_choice(connection: sa.Connection) -> None:
    insert(connection, "3PL", '{"a": 1, "b": 0.5, "c": 0.1}')
    insert(connection, "GRM", '{"a": 1, "b": 0.5}')
    with pytest.raises(InvalidInput, match="Item bank old is there for 3PL and GRM: name one of them in IRT_MODEL"):
        item_banks.load(connection, "old", "2PL")


@pytest.mark.parametrize(
    "params", ['{"a": 1}', '{"a": 1, "b": "0.5"}', '{"a": true, "b": 0}', "[1, 2]", '{"a": 1, "b": null}']
)
def test_parameters_that_are_no_numbers_are_named(connection: sa.Connection, params: str) -> None:
    insert(connection, "2PL", params)
    with pytest.raises(InvalidInput, match=r"Item bank old: item 7 has no number [ab] in params"):
        item_banks.load(connection, "old")


def test_other_models_are_not_scored(connection: sa.Connection) -> None:
    insert(connection, "GRM", '{"a": 1, "b": 0}')
    with pytest.raises(InvalidInput, match="Item bank old is of the model GRM"):
        item_banks.load(connection, "old")
