"""Files that commands read: answers, and what is told of items, goals and groups."""

import datetime as dt
import json
import re

import pandas as pd
import pytest
import sqlalchemy as sa

from resources.database.engine import transaction
from resources.database.queries.items import item_details
from resources.database.queries.learners import learner_goals, learner_groups
from resources.database.schema.tables import exam_results
from resources.model import Goal, ItemDetails, Member
from tests.e2e.conftest import N_ITEMS, N_USERS, WEEKS


def test_a_file_with_a_mistake_loads_nothing_and_the_line_is_named(on_exam, responses, tmp_path):
    file = tmp_path / "wrong.csv"
    responses.assign(user_id="new", correct=2).to_csv(file, index=False)
    said = on_exam("ingest", str(file))
    assert said.exit_code == 1
    assert "wrong.csv, line 2, column correct: " in said.err
    assert "Nothing was loaded." in said.err


def test_a_file_loaded_twice_changes_nothing_and_json_is_all_that_is_printed(on_exam, responses, tmp_path):
    file = tmp_path / "exam.csv"
    responses.to_csv(file, index=False)
    on_exam("ingest", str(file), "--exam", "exam")
    shown = json.loads(on_exam("ingest", str(file), "--exam", "exam", "--json").out)
    assert shown["responses"] == len(responses)
    assert (shown["sessions_new"], shown["sessions_unchanged"]) == (0, N_USERS * len(WEEKS))
    assert (shown["first_week"], shown["last_week"]) == WEEKS


def test_a_layout_that_is_kept_reads_the_next_file_and_several_files_are_one_load(on_exam, responses, tmp_path):
    files = [tmp_path / "first.csv", tmp_path / "second.csv"]
    half = len(responses) // 2
    for file, rows in zip(files, (responses.iloc[:half], responses.iloc[half:]), strict=True):
        rows.rename(columns={"item_id": "Frage"}).to_csv(file, index=False, encoding="utf-16")
    typed = ("ingest", str(files[0]), "--exam", "exam", "--json")
    told = json.loads(on_exam(*typed, "--map", "item_id=Frage", "--encoding", "utf-16", "--save", "school").out)
    assert told["responses"] == half
    told = json.loads(on_exam(*typed, str(files[1]), "--preset", "school").out)
    assert (told["responses"], told["sessions_new"]) == (len(responses), 0)


def test_answers_to_the_platforms_own_sessions_are_left_out_and_shown(on_exam, responses, tmp_path, engine):
    """They were dropped without a word."""
    with transaction(engine) as connection:
        platform = {"user_id": "p1", "session_id": "p1-0", "status": "completed", "result_json": {"questions": []}}
        connection.execute(exam_results.insert(), [platform])
    file = tmp_path / "theirs.csv"
    responses.head(3).assign(user_id="p1", session_id="p1-0").to_csv(file, index=False)
    said = on_exam("ingest", str(file))
    assert re.search(r"sessions of the platform +1\nresponses left out of those +3\n", said.out)
    assert "Answers to sessions that the platform wrote itself were left out" in said.err
    with transaction(engine) as connection:
        connection.execute(exam_results.delete().where(exam_results.c.user_id == "p1"))


def test_a_dry_run_says_what_would_change_and_a_file_is_taken_back_by_its_name(on_exam, responses, tmp_path, engine):
    file = tmp_path / "late.csv"
    rows = responses.head(2).assign(answered_at=responses["answered_at"] + pd.Timedelta(hours=9))
    rows.to_csv(file, index=False)

    def content():
        with transaction(engine) as connection:
            return connection.execute(sa.select(exam_results).order_by("id")).all()

    before = content()
    said = on_exam("ingest", str(file), "--replace", "--dry-run", "--json")
    told = json.loads(said.out)
    assert (told["sessions_grown"], told["responses_removed"]) == (2, N_ITEMS)
    assert said.err.endswith("Nothing was stored: this was a dry run.")
    assert content() == before
    said = on_exam("ingest", str(file))
    assert "2 answers are to items that their session held already, at another time." in said.err
    assert json.loads(on_exam("ingest", "--undo", "late.csv", "--json").out)["sessions_restored"] == 2
    assert content() == before
    assert "No file late.csv was loaded" in on_exam("ingest", "--undo", "late.csv").err


@pytest.mark.parametrize("typed", [[], ["a.csv", "--undo", "b.csv"]])
def test_ingest_wants_files_or_one_to_take_back(type_, typed):
    said = type_("ingest", *typed)
    assert said.exit_code == 2
    assert "Name files to load, or one to --undo." in said.err


def test_a_value_that_looks_like_markup_ended_the_command_with_a_traceback(on_exam, responses, tmp_path):
    file = tmp_path / "markup.csv"
    responses.astype({"correct": str}).assign(correct="[/b]").head(1).to_csv(file, index=False)
    assert "line 2, column correct: '[/b]' is neither" in on_exam("ingest", str(file)).err


def test_items_are_told_and_told_again(on_exam, tmp_path, engine):
    file = tmp_path / "items.csv"
    file.write_text("item_id,title,url\ni1,Adding fractions,https://x.org/1\nelsewhere,,\n")
    assert json.loads(on_exam("items", str(file), "--json").out) == {
        "items": 2, "items_changed": 2, "items_of_the_bank": N_ITEMS, "of_those_told": 1,
    }  # fmt: skip
    file.write_text("item_id,title\ni1,Subtracting fractions\nelsewhere,\n")
    assert json.loads(on_exam("items", str(file), "--json").out)["items_changed"] == 1
    with transaction(engine) as connection:
        assert item_details.of(connection, ["i1", "i2"]) == {"i1": ItemDetails("Subtracting fractions")}


def test_goals_are_told_told_again_and_removed(on_exam, tmp_path, engine):
    file = tmp_path / "goals.csv"
    file.write_text("user_id,score,by\nu2,6400,2025-06-30\n")
    refused = on_exam("goals", str(file))
    assert refused.exit_code == 1
    assert "'u2' is to reach 6400, and scores lie between 200 and 800: tell the goal in points" in refused.err
    file.write_text("user_id,score,by\nu2,640,2025-06-30\nnobody,500,2025-06-30\n")
    said = json.loads(on_exam("goals", str(file), "--json").out)
    assert said == {"goals": 2, "learners_without_a_session": 1, "added": 2, "changed": 0, "removed": 0, "ignored": 0}
    file.write_text("user_id,score,by\nu2,650,2025-06-30\n")
    said = json.loads(on_exam("goals", str(file), "--replace", "--json").out)
    assert (said["added"], said["changed"], said["removed"]) == (0, 1, 1)
    with transaction(engine) as connection:
        assert learner_goals.of(connection, ["u2", "nobody"]) == {"u2": Goal(650, dt.date(2025, 6, 30))}


def test_groups_are_told_told_again_and_removed(on_exam, tmp_path, engine):
    file = tmp_path / "groups.csv"
    refused = on_exam("classes", "--week", WEEKS[1])
    assert refused.exit_code == 1
    assert "There are no groups. Tell who is in which: seedtest groups FILE" in refused.err
    file.write_text("group,user_id,role,name\n3-2,u2,,Ann\n3-2,u3,,\n3-2,boss,teacher,\n4-1,nobody,,\n")
    said = json.loads(on_exam("groups", str(file), "--json").out)
    assert said == {
        "groups": 2, "learners": 3, "teachers": 1, "learners_without_a_session": 1,
        "added": 4, "changed": 0, "left": 0, "groups_removed": 0, "ignored": 0,
    }  # fmt: skip
    file.write_text("group,user_id,name\n3-2,u2,Anna\n")
    said = json.loads(on_exam("groups", str(file), "--json").out)
    assert (said["added"], said["changed"], said["left"], said["groups_removed"]) == (0, 1, 2, 0)
    with transaction(engine) as connection:
        assert learner_groups.learners(connection) == {"3-2": [Member("u2", "Anna")], "4-1": [Member("nobody", None)]}
        assert learner_groups.taught_by(connection, "boss") == []
    said = json.loads(on_exam("groups", str(file), "--replace", "--json").out)
    assert (said["left"], said["groups_removed"]) == (1, 1)
