"""The command as a careless user meets it: one sentence and the right exit code, never a traceback.

The command's own entry point runs in this process, since each new one imports for seconds; what only a process can show
(pipes, signals) is in `test_processes` and beside it.
"""

import io
import json
import re

import numpy as np
import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine, transaction
from resources.database.queries.estimates import abilities
from resources.database.schema import revision
from resources.model import Thetas, Week
from resources.reports import cohort_document
from seedtest_pipeline.cli import main
from tests.e2e.conftest import WEEKS
from tests.week_states import first_states

COMMANDS = [command.name or command.callback.__name__.replace("_", "-") for command in main.app.registered_commands]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(type_, command):
    said = type_(command, "--help")
    assert said.exit_code == 0
    assert f"seedtest {command} [OPTIONS]" in said.out


def test_the_apis_help_names_the_settings_that_it_cannot_do_without(type_):
    said = type_("api", "--help").out
    needed = "JWKS_URL", "JWT_ISS", "JWT_AUD", "LOCAL_DEV", "docs/settings.md", "API_CONCURRENCY", "each worker"
    assert [word for word in needed if word not in said] == []


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        (["bogus"], "No such command 'bogus'"),
        (["run"], "Missing option '--week'"),
        (["run", "--week", "2025-01-07"], "2025-01-07 is a Tuesday, and a week starts on a Monday: use 2025-01-06."),
        (["run", "--week", "tomorrow"], "'tomorrow' is not a date"),
        (["run", "--week", WEEKS[1], "--through", WEEKS[0]], f"{WEEKS[0]} is before --week {WEEKS[1]}"),
        (["report", "--user", "u2", "--week", "2025-02-30"], "'2025-02-30' is not a date"),
        (["report", "--user", "u2"], "name one week, or use --list for all."),
        (["ui", "--port", "70000"], "Invalid value for '--port'"),
    ],
)
def test_wrong_usage_is_told_with_exit_code_2(type_, typed, complaint):
    said = type_(*typed)
    assert said.exit_code == 2
    assert complaint in re.sub(r"[│╭╮╰╯─ ]+", " ", said.err)
    assert said.out == ""


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("DATABASE_URL", "postgresql://a:secret@127.0.0.1:1/x", "PostgreSQL at 127.0.0.1:1/x is not available"),
        ("DATABASE_URL", "mysql://a:secret@127.0.0.1/x", "begins with mysql://: this needs PostgreSQL"),
        ("IRT_MODEL", "4PL", "Setting IRT_MODEL='4PL': Input should be 'Rasch', '1PL', '2PL' or '3PL'."),
        ("USER_PARTITIONS", "lots", "Setting USER_PARTITIONS='lots': it is `users`, or a number"),
        ("FIRST_WEEK", "2025-01-07", "Setting FIRST_WEEK='2025-01-07': 2025-01-07 is a Tuesday"),
        ("SEEDTEST_HOME", "/dev/null/home", "set SEEDTEST_HOME to a folder that you may write"),
    ],
)
def test_a_setting_that_cannot_work_is_one_sentence_that_names_it(type_, monkeypatch, name, value, complaint):
    if name == "SEEDTEST_HOME":
        monkeypatch.setenv("DAGSTER_HOME", f"{value}/dagster")
    monkeypatch.setenv(name, value)
    said = type_("run", "--week", WEEKS[0])
    assert (said.exit_code, said.out) == (1, "")
    assert said.err.startswith("error: ")
    assert complaint in said.err
    assert "secret" not in said.err


def test_a_database_is_taken_back_for_an_earlier_release_which_says_so_until_then(
    type_, monkeypatch, empty_database_url
):
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    type_("migrate")
    newest = revision.head()
    monkeypatch.setattr(revision, "head", lambda: "0015")
    refused = type_("calibrate")
    assert f"stands at schema {newest}, of a later release; this one has 0015" in refused.err
    assert "seedtest migrate --back-to 0015" in refused.err
    assert type_("migrate", "--back-to", newest).err.endswith(f"{newest} is not before that")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert "is at 0015" in type_("migrate", "--back-to", "0015").out
    engine = make_engine(empty_database_url)
    assert not sa.inspect(engine).has_table("ignored_learners")
    engine.dispose()


def test_a_database_that_was_not_migrated_is_told_with_its_remedy_which_works(type_, monkeypatch, empty_database_url):
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    refused = type_("run", "--week", WEEKS[0])
    assert refused.exit_code == 1
    assert refused.err.endswith("Run: seedtest migrate")
    assert type_("migrate").exit_code == 0
    emptied = type_("run", "--week", WEEKS[0])
    assert "The database holds no users: run `seedtest ingest FILE`" in emptied.err


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        (["--week", WEEKS[0], "--user", "nobody"], "No user 'nobody' is read from exam_results"),
        (["--week", "2024-12-30"], "2024-12-30 is before the first week, 2025-01-06"),
        (["--week", str(Week.parse("2099-01-05"))], "is not over yet"),
    ],
)
def test_a_run_that_cannot_be_is_refused(on_exam, typed, complaint):
    said = on_exam("run", *typed)
    assert said.exit_code == 1
    assert complaint in said.err


def test_a_report_that_was_not_made_is_told_with_the_line_that_makes_it(on_exam):
    said = on_exam("report", "--week", WEEKS[0], "--user", "o'brien")
    assert said.exit_code == 1
    assert said.err.endswith(f"""Make it: seedtest run --week {WEEKS[0]} --user 'o'"'"'brien'""")


def test_the_error_of_an_asset_is_its_own_sentence_without_the_names_of_classes(on_exam):
    said = on_exam("adopt", "nosuch")
    assert said.err == "error: There is no calibration nosuch. Run: seedtest calibrate"


def test_doctor_is_green_on_a_database_in_order_and_tells_it_as_json(on_exam):
    said = on_exam("doctor", "--json")
    assert said.exit_code == 0
    assert {finding["part"]: finding["ok"] for finding in json.loads(said.out)} == {
        "database": True, "migrations": True, "rights": True, "predecessor": True, "item bank": True, "users": True,
        "daemon": True, "runs": True, "estimator": True, "report compiler": True, "cohort report": True,
        "artifact store": True,
    }  # fmt: skip


def test_a_cohort_report_without_quarto_is_skipped_with_a_note_and_is_no_error(on_exam, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    said = on_exam("cohort", "--week", WEEKS[0])
    assert (said.exit_code, said.out) == (0, "")
    assert said.err.startswith("No cohort report is made here. Quarto is not installed: get 1.10 or later")
    assert json.loads(on_exam("cohort", "--week", WEEKS[0], "--json").out)["reports"] == {}


def test_a_cohort_report_of_a_week_that_was_not_run_is_told_with_the_line_that_runs_it(on_exam, monkeypatch):
    monkeypatch.setattr(cohort_document, "lacking", lambda: None)
    said = on_exam("cohort", "--week", WEEKS[0])
    assert said.exit_code == 1
    assert said.err == (
        f"error: cohort_reports: There are no estimates of {WEEKS[0]} to report on. "
        f"Make them: seedtest run --week {WEEKS[0]}"
    )


def test_a_cohort_report_is_made_printed_and_opened(on_exam, engine, monkeypatch, tmp_path):
    """By a `quarto` that writes the smallest whole page; the document itself is tested with real R."""
    with transaction(engine) as connection:
        one = Thetas(("u2",), *(np.array([x]) for x in (0.1, 0.3, 9, 0, 0)), (), "2PL", "true")
        at = Week.parse(WEEKS[1]).ends_at
        abilities.store_week(connection, Week.parse(WEEKS[1]), first_states(one), 30, at)
    page = f"<p class=subject>{WEEKS[1]}" + '<img src=\\"data:image/svg+xml;,\\">' * 4 + "</html>"
    tools = {
        "quarto": f'[ "$1" = --version ] && echo 1.10 || echo "{page}" > cohort_report.html',
        "Rscript": "exit 0",
    }
    for name, line in tools.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    said = on_exam("cohort", "--week", WEEKS[1], "--open")
    assert said.exit_code == 0, said.err
    assert said.out.strip().endswith(f"/artifacts/cohorts/{WEEKS[1]}/true/cohort_report.html")
    assert opened == [said.out.strip()]
    assert json.loads(on_exam("cohort", "--week", WEEKS[1], "--json").out) == {
        "week": WEEKS[1], "reports": {"true": opened[0]}, "skipped": None,
    }  # fmt: skip


def test_doctor_told_one_missing_database_in_four_lines_and_now_in_one(type_, monkeypatch):
    monkeypatch.setattr(cohort_document, "lacking", lambda: "Quarto is not installed")
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:secret@127.0.0.1:1/x")
    said = type_("doctor")
    assert said.exit_code == 1
    assert said.out.count("is not available") == 1
    assert said.out.count("not examined") == 7
    assert "ok     report compiler" in said.out
    assert "absent cohort report" in said.out, "it was a green 'not made here'"
