"""The command `scores` on a database: the same numbers as the arithmetic on the answers that count."""

import csv
import json
import re

import numpy as np
import pytest

from resources.irt.classification import level_probabilities
from resources.irt.point_estimates import posterior_mode, wle
from resources.irt.response_functions import Items
from resources.irt.response_matrix import ResponseMatrix
from tests.e2e.conftest import N_ITEMS, N_USERS, WEEKS

ITEMS = Items(np.ones(N_ITEMS), np.linspace(-1.5, 1.5, N_ITEMS), np.zeros(N_ITEMS))  # the bank's in force


@pytest.fixture(scope="module")
def home(shell):
    """The exam's two weeks made as the schedule does, with a learner who is not like the others: an item in each of
    them, one that no bank has, one skipped, one that he answers alone."""
    file = shell.home.parent / "late.csv"
    file.write_text(
        "user_id,session_id,item_id,correct,answered_at\n"
        f"late,s1,i0,0,{WEEKS[0]}T09:00Z\nlate,s1,new,1,{WEEKS[0]}T09:01Z\nlate,s1,i1,,{WEEKS[0]}T09:02Z\n"
        f"late,s2,i0,1,{WEEKS[1]}T09:00Z\nlate,s2,i2,1,{WEEKS[1]}T09:01Z\n"
    )
    for command in (["ingest", str(file)], ["run", "--week", WEEKS[0], "--through", WEEKS[1]]):
        done = shell.run(*command)
        assert done.returncode == 0, done.stderr
    return shell.home


@pytest.fixture
def made(on_exam, home, monkeypatch):
    """Types a command in the home where the weeks were made."""
    monkeypatch.setenv("SEEDTEST_HOME", str(home))
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    return on_exam


def expected(responses):
    """WLE and MAP of each user of the exam from all answers to the bank that is in force."""
    ids = sorted(set(responses["user_id"]))
    user = responses["user_id"].map(ids.index).to_numpy()
    item = responses["item_id"].str[1:].astype(int).to_numpy()
    answers = ResponseMatrix(user, item, responses["correct"].to_numpy(), N_USERS, N_ITEMS)
    return ids, wle(answers, ITEMS), posterior_mode(answers, ITEMS)


def test_everybody_into_a_csv_with_the_performance_level_by_wle(made, responses, monkeypatch, tmp_path):
    monkeypatch.setenv("REPORT_CUTS", "기초,450,Proficient,550,Advanced")
    file = tmp_path / "scores.csv"
    said = made("scores", "--week", WEEKS[1], "--csv", str(file))
    assert (said.exit_code, said.out) == (0, "")
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    rows = [row for row in rows if row["user_id"] != "late"]
    ids, unshrunk, mode = expected(responses)
    assert [row["user_id"] for row in rows] == ids
    assert {row["n_items"] for row in rows} == {str(N_ITEMS)}
    assert {row["eap_week"] for row in rows} == {WEEKS[1]}
    for name, values in {"wle": unshrunk.theta, "wle_se": unshrunk.se, "map": mode.theta, "map_se": mode.se}.items():
        np.testing.assert_allclose([float(row[name]) for row in rows], values, atol=1e-6)
    names, cuts = np.array(["기초", "Proficient", "Advanced"]), np.array([-0.5, 0.5])
    place = np.searchsorted(cuts, unshrunk.theta)
    assert [row["level"] for row in rows] == names[place].tolist()
    probability = level_probabilities(unshrunk.theta, unshrunk.se, cuts)[np.arange(N_USERS), place]
    np.testing.assert_allclose([float(row["level_probability"]) for row in rows], probability, atol=1e-6)


def test_one_learner_as_of_an_earlier_week_as_json_and_as_a_table(made, responses, monkeypatch):
    first = responses[responses["answered_at"] < WEEKS[1]]
    ids, unshrunk, _ = expected(first)
    place = ids.index("u17632")
    (row,) = json.loads(made("scores", "--week", WEEKS[0], "--user", "u17632", "--json").out)
    assert (row["user_id"], row["n_items"], row["eap_week"]) == ("u17632", N_ITEMS // 2, WEEKS[0])
    assert row["wle"] == pytest.approx(unshrunk.theta[place], abs=1e-6)
    assert row["eap"] != pytest.approx(row["map"], abs=1e-3)
    assert (row["level"], row["level_probability"]) == (None, None)
    shown = made("scores", "--week", WEEKS[0], "--user", "u17632", "--user", "u2").out
    assert f"u17632 │ {row['eap']:.2f} ({row['eap_se']:.2f}) " in shown
    assert f" {unshrunk.theta[place]:.2f} ({unshrunk.se[place]:.2f}) " in shown
    assert "level" not in shown
    monkeypatch.setenv("REPORT_CUTS", "A,499,B")
    (with_cuts,) = json.loads(made("scores", "--week", WEEKS[0], "--user", "u17632", "--json").out)
    level = f"{with_cuts['level']} ({with_cuts['level_probability']:.0%})"
    assert level in made("scores", "--week", WEEKS[0], "--user", "u17632").out


def test_a_repeated_item_counts_once_and_what_was_left_out_is_counted(made):
    (row,) = json.loads(made("scores", "--week", WEEKS[1], "--user", "late", "--json").out)
    assert (row["n_items"], row["n_unknown_item"], row["n_unusable"]) == (2, 1, 1)
    assert row["wle"] == pytest.approx(wle(of_late(), ITEMS).theta[0], abs=1e-6)  # i0 wrong, at first; i2 right
    (row,) = json.loads(made("scores", "--week", WEEKS[0], "--user", "late", "--json").out)
    assert row["n_items"] == 1


def of_late():
    return ResponseMatrix(np.array([0, 0]), np.array([0, 2]), np.array([0, 1]), 1, N_ITEMS)


@pytest.mark.parametrize(
    ("typed", "exit_code", "complaint"),
    [
        (["--week", WEEKS[1], "--user", "nobody"], 1, "error: No user 'nobody' is read from exam_results"),
        (["--week", WEEKS[1], "--json", "--csv", "x.csv"], 2, "choose one of --csv and --json"),
        (["--week", WEEKS[1], "--csv", "/no/such/folder/x.csv"], 2, "there is no folder /no/such/folder"),
        (["--week", "2024-12-30"], 1, "2024-12-30 is before the first week, 2025-01-06: set FIRST_WEEK=2024-12-30"),
        (["--week", WEEKS[1]], 1, f"are not frozen for .* Run: seedtest run --week {WEEKS[1]}$"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(on_exam, typed, exit_code, complaint):
    said = on_exam("scores", *typed)
    assert said.exit_code == exit_code
    assert re.search(complaint, re.sub(r"[│╭╮╰╯─ ]+", " ", said.err))
    assert said.out == ""


def test_a_file_that_was_begun_and_not_ended_is_not_there(made, tmp_path, monkeypatch):
    def broken(*_):
        raise ArithmeticError("no root")

    monkeypatch.setattr("assets.abilities.individual_scores.wle", broken)
    with pytest.raises(ArithmeticError):
        made("scores", "--week", WEEKS[1], "--csv", str(tmp_path / "scores.csv"))
    assert list(tmp_path.glob("*scores*")) == []
