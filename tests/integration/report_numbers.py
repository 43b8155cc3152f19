"""Numbers of five reports beside what SQL makes of the platform's answers and of the stored estimates."""

import html
import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from assets.publishing.report_on_demand import ReportOnDemand
from seedtest_pipeline.wiring import Parts
from tests.integration.deployment import WEEKS, page

WEEK = WEEKS[-1]
ENDS = {"begins": WEEK.begins_at, "ends": WEEK.ends_at, "week": WEEK.start}

# Whose pages have all sections, and one who answered nothing in the week.
LEARNERS = """
    (SELECT user_id FROM theta_estimates WHERE week_start = :week ORDER BY n_items DESC LIMIT 4) UNION ALL (
        SELECT user_id FROM theta_estimates
        GROUP BY user_id HAVING max(week_start) < :week AND max(n_items) >= 8 LIMIT 1
    )
"""
LEVEL = """
    SELECT round(500 + 100 * theta) AS score, round(195.9964 * se) AS margin, theta, se, n_items,
        greatest(200, round(500 + 100 * (theta - 1.959964 * se))) AS low,
        least(800, round(500 + 100 * (theta + 1.959964 * se))) AS high,
        (SELECT round(avg(100 / (1 + exp(-a * (theta - b))))) FROM item) AS of_100,
        (SELECT count(*) FROM item) AS n_bank
    FROM theta_estimates WHERE user_id = :user AND week_start <= :week ORDER BY week_start DESC LIMIT 1
"""
PRACTICE = """
    SELECT count(*) AS n, count(*) FILTER (WHERE correct) AS n_right, count(correct) AS n_scored,
        count(DISTINCT session_id) AS n_sessions, count(DISTINCT completed_at::date) AS n_days
    FROM answered
"""
DAYS = """
    SELECT to_char(completed_at, 'Dy FMDD Mon') AS day, count(*) FILTER (WHERE correct) AS n_right,
        count(correct) AS n_scored,
        round(sum(least(response_time_ms, 600000)) FILTER (WHERE response_time_ms IS NOT NULL) / 1000.0) AS seconds
    FROM answered GROUP BY completed_at::date, 1 ORDER BY completed_at::date
"""
FIRST = """
    SELECT DISTINCT ON (item_key) item_key, correct, completed_at, topic_id, response_time_ms FROM answered
    WHERE correct IS NOT NULL
    ORDER BY item_key, completed_at
"""
WRONG = f"""
    SELECT item_key AS name, topic_id AS topic, to_char(completed_at, 'Dy FMDD Mon') AS day,
        round(500 + 100 * b) AS difficulty, round(100 / (1 + exp(-a * (:theta - b)))) AS chance
    FROM ({FIRST}) one JOIN item USING (item_key) WHERE NOT correct
    ORDER BY 1 / (1 + exp(-a * (:theta - b))) DESC, completed_at
"""  # noqa: S608 - the statement above
EFFORT = f"""
    SELECT count(*) AS n, count(*) FILTER (WHERE response_time_ms < least(ms / 10, 10000)) AS n_rapid
    FROM ({FIRST}) one JOIN (
        SELECT item_key, avg(least(response_time_ms, 600000)) AS ms FROM attempt
        WHERE attempt_no = 1 AND correct IS NOT NULL AND completed_at < :begins
            AND completed_at >= cast(:begins AS timestamptz) - interval '4 weeks'
        GROUP BY item_key HAVING count(response_time_ms) >= 20
    ) usual USING (item_key) WHERE response_time_ms IS NOT NULL
"""  # noqa: S608 - as above
NEXT = """
    SELECT item_key AS name, round(500 + 100 * b) AS difficulty, round(100 / (1 + exp(-a * (:theta - b)))) AS chance
    FROM item WHERE 1 / (1 + exp(-a * (:theta - b))) BETWEEN .5 AND .8
"""
TOPICS = """
    SELECT topic_id AS topic, count(*) AS n FROM (
        SELECT DISTINCT ON (item_key) item_key, topic_id FROM attempt JOIN item USING (item_key)
        WHERE user_id = :user AND completed_at < :ends AND correct IS NOT NULL ORDER BY item_key, completed_at
    ) AS first GROUP BY topic_id
"""
WITH = """
    WITH item AS (
        SELECT item_id AS item_key, (params ->> 'a')::float AS a, (params ->> 'b')::float AS b
        FROM seedtest_mirt_item_params
    ), answered AS (
        SELECT * FROM attempt WHERE user_id = :user AND completed_at >= :begins AND completed_at < :ends
    )
"""


class Page:
    """A report's words, and the cells of its tables by their section's heading."""

    def __init__(self, report: str) -> None:
        self.words = _words(report.partition("<body>")[2])
        self.sections = {_words(part.partition("</h2>")[0].partition(">")[2]): part for part in report.split("<h2")[1:]}

    def rows(self, heading: str) -> list[list[str]]:
        found = re.findall(r"<tr\b.*?</tr>", self.sections[heading], re.DOTALL)
        cells = [[_words(cell) for cell in re.findall(r"<td\b[^>]*>(.*?)</td>", row, re.DOTALL)] for row in found]
        return [row for row in cells if row]


def _words(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def _asked(connection: sa.Connection, query: str, **values: object) -> list[Mapping[str, Any]]:
    statement = query if query is LEARNERS else WITH + query
    return [dict(row) for row in connection.execute(sa.text(statement), {**ENDS, **values}).mappings()]


def assert_as_sql_finds_them(parts: Parts) -> None:
    """The numbers of five reports of the last week of `deployment`, which was made."""
    with parts.engine.connect() as connection:
        learners = [row["user_id"] for row in _asked(connection, LEARNERS)]
        assert len(learners) == 5
        for user in learners:
            _compare(connection, user, Page(page(parts, user, WEEK).read_text("utf-8")))
            _compare_teachers(connection, parts, user)


def _compare(connection: sa.Connection, user: str, report: Page) -> None:
    (level,) = _asked(connection, LEVEL, user=user)
    assert f"Your level {level['score']:.0f} ± {level['margin']:.0f}" in report.words
    proposed = {row["name"]: row for row in _asked(connection, NEXT, user=user, theta=level["theta"])}
    for name, _, difficulty, chance in report.rows("What to try next"):
        row = proposed[name]
        assert (difficulty, chance) == (f"{row['difficulty']:.0f}", f"{row['chance']:.0f}%")
    (week,) = _asked(connection, PRACTICE, user=user)
    if not week["n"]:
        assert "You last answered on" in report.words
        return
    assert f"between {level['low']:.0f} and {level['high']:.0f} , 95 times" in report.words
    assert f"expected to get about {level['of_100']:.0f} right" in report.words
    assert f"This rests on {level['n_items']} answers" in report.words
    share = f"{round(100 * week['n_right'] / week['n_scored'])}%"
    assert f"Right this week {share} {week['n_right']} of {week['n_scored']}" in report.words
    sessions, days = (f"{week[name]} {noun}{'s' * (week[name] != 1)}"
                      for name, noun in (("n_sessions", "session"), ("n_days", "day")))  # fmt: skip
    blank = week["n"] - week["n_scored"]
    n_wrong = week["n_scored"] - week["n_right"]
    said = f"{week['n']} answers in {sessions} on {days}: {week['n_right']} right, {n_wrong} wrong"
    assert said + (f", {blank} blank or unreadable." if blank else ".") in report.words
    by_day = [
        [row["day"], f"{row['n_right']} of {row['n_scored']}", _time(row["seconds"])]
        for row in _asked(connection, DAYS, user=user)
    ]
    assert [row[:3] for row in report.rows("This week")] == by_day
    wrong = _asked(connection, WRONG, user=user, theta=level["theta"])
    assert report.rows("Questions you got wrong") == [
        [f"{row['name']} {row['topic']}", row["day"], f"{row['difficulty']:.0f}", f"{row['chance']:.0f}%"]
        for row in wrong[:15]
    ]
    topics = {row["topic"]: row["n"] for row in _asked(connection, TOPICS, user=user)}
    section = _words(report.sections["Topics of the last eight weeks"])
    told = {name: int(n) for name, n in re.findall(r"(\w+) \((\d+)\)", section)}
    shown = {row[0]: int(row[1].split(" of ")[1]) for row in report.rows("Topics of the last eight weeks")}
    assert told | shown == topics
    assert "For the teacher" not in report.sections


def _compare_teachers(connection: sa.Connection, parts: Parts, user: str) -> None:
    """Also of who answered nothing in the week, and has a short report."""
    source = ReportOnDemand(
        parts.engine, parts.warehouse, WEEKS[0], parts.user_keys, parts.rules, parts.bank_choice, parts.settings.scale
    )
    made, _ = source.page(WEEK, user, parts.compile_templates()["html"], "teacher")
    facts = dict(Page(made.decode()).rows("For the teacher"))
    (timed,) = _asked(connection, EFFORT, user=user)
    if timed["n"] >= 8:
        effort = f"{round(100 * (1 - timed['n_rapid'] / timed['n']))}%"
        assert facts["Response-time effort"] == f"{effort}: rapid guesses {timed['n_rapid']} of {timed['n']}"
    else:
        assert facts["Response-time effort"].startswith("not shown")
    (level,) = _asked(connection, LEVEL, user=user)
    assert facts["Theta"].replace("−", "-") == f"{level['theta']:.4f} logits"
    assert facts["Standard error"] == f"{level['se']:.4f} logits"
    assert facts["Item bank"] == f"true, 2PL, {level['n_bank']} questions"
