"""What the checks find on a small exam: nothing where all is well, and each fault with its learners and a remedy."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from assets.checking import estimates, reports
from assets.checking.finding import Finding
from assets.selection import Selection
from docs.sample_learner import BANK
from resources.artifacts.folder import FolderStore
from resources.artifacts.store import report_key
from resources.database.engine import transaction
from resources.database.queries.items import item_banks
from resources.database.queries.items.item_banks import BankChoice, Fit
from resources.database.queries.learners import departed_learners
from resources.database.queries.reports import report_artifacts
from resources.model import ItemBank, Week
from resources.warehouse.warehouse import Warehouse
from tests.integration.assets.small_exam import FIRST, KEYS, WEEKS, flip, run

EVERYTHING = Selection(dict.fromkeys(WEEKS, KEYS.fixed))
CALIBRATED = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
LATER = dt.datetime(2025, 2, 3, 12, tzinfo=dt.UTC)  # Monday noon after the last week


def noon(week: Week) -> dt.datetime:
    return week.ends_at + dt.timedelta(hours=12)


@pytest.fixture
def made(platform: sa.Engine, tmp_path: Path, new_publisher) -> sa.Engine:
    with transaction(platform) as connection:
        item_banks.save(connection, BANK, Fit(True, 1, 0.0, 8, 1, CALIBRATED))
        item_banks.adopt(connection, BANK.version, CALIBRATED)
    run(platform, tmp_path, new_publisher(), *WEEKS)
    return platform


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(FolderStore(tmp_path / "warehouse"))


def change(engine: sa.Engine, statement: str, week: Week = FIRST, **values: object) -> None:
    with transaction(engine) as connection:
        assert connection.exec_driver_sql(statement, {"week": week.start} | values).rowcount


def test_where_all_is_well_every_check_passes(made, warehouse, store):
    found = [
        estimates.plausible(made, EVERYTHING, KEYS),
        estimates.complete(made, warehouse, EVERYTHING, KEYS),
        estimates.answers_in_bank(made, warehouse, BankChoice(), EVERYTHING),
        estimates.current(made, EVERYTHING, KEYS),
        estimates.as_expected(made, EVERYTHING),
        estimates.bank_age(made, BankChoice(), EVERYTHING),
        reports.up_to_date(made),
        reports.stored(made, store, EVERYTHING),
        reports.made_in_time(made, KEYS, FIRST, noon, LATER),
    ]
    assert [finding.level for finding in found] == ["passed"] * 9
    assert found[1].numbers["learners who answered"] == 31
    assert found[7].numbers["files looked at"] == reports.SAMPLE


def test_one_wrong_theta_is_named_and_only_in_its_own_week(made):
    change(made, "UPDATE theta_estimates SET theta = 20 WHERE user_id = 'u2' AND week_start = %(week)s")
    of_first = estimates.plausible(made, Selection({FIRST: KEYS.fixed}), KEYS)
    assert (of_first.level, of_first.numbers["implausible"]) == ("warning", 1)
    assert f"u2 ({FIRST})" in of_first.sentence
    assert estimates.plausible(made, Selection({WEEKS[2]: KEYS.fixed}), KEYS).level == "passed"
    other = [key for key in KEYS.fixed if key != KEYS.key_of("u2")]
    assert estimates.plausible(made, Selection({FIRST: other}), KEYS).level == "passed"


def test_many_wrong_thetas_fail_the_check_that_blocks_reports(made):
    change(made, "UPDATE theta_estimates SET theta = 'NaN' WHERE week_start = %(week)s AND user_id < 'u4'")
    found = estimates.plausible(made, EVERYTHING, KEYS)
    assert (found.level, found.numbers["implausible"]) == ("failed", 4)


def test_a_bucket_of_which_one_learner_was_made_is_not_complete(made, warehouse):
    """A run for one user made a bucket green: 3 thetas for 34 learners, and nothing asked for the rest."""
    change(made, "DELETE FROM theta_estimates WHERE week_start = %(week)s AND user_id <> 'u0'")
    change(made, "DELETE FROM answered_items WHERE week_start = %(week)s AND user_id <> 'u0'")
    found = estimates.complete(made, warehouse, EVERYTHING, KEYS)
    assert (found.level, found.numbers["of them without an estimate"]) == ("failed", 7)
    assert str(FIRST) in found.sentence
    assert str(WEEKS[1]) not in found.sentence
    assert estimates.complete(made, warehouse, Selection({WEEKS[1]: KEYS.fixed}), KEYS).level == "passed"


def test_learners_with_nothing_that_can_be_scored_complete_a_week(made, warehouse):
    change(made, "DELETE FROM theta_estimates WHERE week_start = %(week)s AND user_id = 'u0'")
    found = estimates.complete(made, warehouse, EVERYTHING, KEYS)
    assert (found.level, found.numbers["of them nothing can be scored"]) == ("passed", 1)


def test_an_estimate_without_an_answer_is_found_unless_its_learner_is_in_the_time_of_grace(made, warehouse):
    change(
        made,
        "INSERT INTO theta_estimates (user_id, week_start, theta, se, n_items, n_unknown_item, n_unusable, model, "
        "version, window_days, as_of, fitted_at) SELECT 'gone', week_start, theta, se, n_items, n_unknown_item, "
        "n_unusable, model, version, window_days, as_of, fitted_at FROM theta_estimates WHERE user_id = 'u0'",
    )
    found = estimates.complete(made, warehouse, EVERYTHING, KEYS)
    assert (found.level, found.numbers["estimates without an answer"]) == ("failed", 4)
    with transaction(made) as connection:
        departed_learners.notice(connection, ["gone"], LATER)
    assert estimates.complete(made, warehouse, EVERYTHING, KEYS).level == "passed"


@pytest.mark.parametrize(("share", "level"), [(0.04, "passed"), (0.1, "warning"), (0.25, "failed")])
def test_answers_to_items_that_are_not_in_the_bank(made, warehouse, share, level):
    """14 % of a week's answers were not in the bank, and nothing said so."""
    answered = warehouse.read(WEEKS, KEYS.fixed, ("item_key",))["item_key"].to_pylist()
    counts = {key: answered.count(key) for key in BANK.item_keys}
    kept, lost = list(BANK.item_keys), 0
    while lost + counts[kept[-1]] <= (share + 0.005) * len(answered):
        lost += counts[kept.pop()]
    n = len(kept)
    poorer = ItemBank("poorer", "2PL", tuple(kept), BANK.a[:n], BANK.b[:n], BANK.c[:n])
    with transaction(made) as connection:
        item_banks.save(connection, poorer, Fit(True, 1, 0.0, 8, 1, CALIBRATED))
    found = estimates.answers_in_bank(made, warehouse, BankChoice("poorer"), EVERYTHING)
    assert (found.level, found.numbers["not in the bank"]) == (level, lost)
    assert ("seedtest calibrate" in found.sentence) == (level != "passed")


def test_a_current_ability_older_than_an_estimate_is_named(made):
    change(made, "UPDATE mirt_ability SET as_of = as_of - interval '7 days' WHERE user_id = 'u5'")
    found = estimates.current(made, EVERYTHING, KEYS)
    assert (found.level, found.numbers["behind"]) == ("warning", 1)
    assert f"u5 ({WEEKS[-1]})" in found.sentence


def test_an_old_bank_is_told(made):
    change(made, "UPDATE mirt_fit_meta SET fitted_at = '2023-06-01'")
    found = estimates.bank_age(made, BankChoice(), EVERYTHING)
    assert (found.level, found.numbers["weeks since its calibration"]) == ("warning", 87)


@pytest.mark.parametrize(("shift", "level"), [(0.0, "passed"), (0.5, "warning")])
def test_a_week_that_lies_off_the_model_is_told(made, shift, level):
    """Sixty learners beside the eight: with a posterior of SD .3 from a prior of SD .5 the mean is known to .05."""
    change(made, "DELETE FROM theta_estimates WHERE week_start = %(week)s")
    learned = np.sqrt(0.5**2 - 0.3**2) * np.random.default_rng(5).standard_normal(60) + shift
    change(
        made,
        "INSERT INTO theta_estimates (user_id, week_start, theta, se, n_items, n_unknown_item, n_unusable, model, "
        "version, window_days, as_of, fitted_at, prior_mean, prior_sd) SELECT theta::text, %(week)s, theta, .3, 9, 0, "
        "0, '2PL', 'b', 30, now(), now(), 0, .5 FROM unnest(%(learned)s::float[]) AS theta",
        learned=learned.tolist(),
    )
    found = estimates.as_expected(made, Selection({FIRST: KEYS.fixed}))
    assert found.level == level
    assert (f"{FIRST}: the mean lies" in found.sentence) == (level == "warning")


def test_reports_that_tell_an_old_history_are_counted(made, tmp_path, new_publisher):
    change(made, "UPDATE ability_weeks SET fingerprint = 'other' WHERE week_start = %(week)s", WEEKS[1])
    found = reports.up_to_date(made)
    assert (found.level, found.numbers["partitions out of date"]) == ("warning", 2)
    flip(made, "u3-0")
    run(made, tmp_path, new_publisher(), FIRST)
    assert reports.up_to_date(made).level == "passed"


def test_a_file_that_is_gone_or_altered_is_found(made, store):
    with transaction(made) as connection:
        rows = report_artifacts.of_week(connection, FIRST)
    store.delete(report_key(FIRST, rows[0].user_id, "html"))
    store.put(report_key(FIRST, rows[1].user_id, "html"), b"other", "text/html")
    found = reports.stored(made, store, Selection({FIRST: KEYS.fixed}))
    assert (found.level, found.numbers["missing or altered"]) == ("failed", 2)
    assert reports.stored(made, store, Selection({WEEKS[1]: KEYS.fixed})).level == "passed"


def test_a_week_that_is_not_made_when_it_should_be_fails_and_not_before(made):
    of_key = "UPDATE ability_weeks SET reported = NULL WHERE week_start = %(week)s AND user_key = %(key)s"
    change(made, of_key, WEEKS[-1], key=KEYS.fixed[0])

    def at(now: dt.datetime) -> Finding:
        return reports.made_in_time(made, KEYS, FIRST, noon, now)

    assert at(LATER - dt.timedelta(minutes=1)).level == "passed"
    assert (at(LATER).level, at(LATER).numbers["not made"]) == ("failed", 1)
    assert f"seedtest run --week {WEEKS[-1]}" in at(LATER).sentence
    assert at(FIRST.begins_at + dt.timedelta(hours=12)).level == "passed", "before the first week nothing is due"
