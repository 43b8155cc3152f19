"""What a report says of topics, from what was found of them."""

from dataclasses import replace

from docs.sample_learner import ENGLISH, TOPICS, given
from resources.reports.learner.report_input import Topic
from resources.reports.learner.sections.topics import NAMED, TOPICS_SHOWN, topics

ABOVE, BELOW, ALIKE, FEW = TOPICS


def test_a_topic_stands_in_points_beside_the_level_with_its_margin() -> None:
    shown = topics(ENGLISH, given())
    assert shown is not None
    assert [(row.name, row.beside, row.verdict) for row in shown.rows] == [
        ("Algebra", "+71\u00a0±\u00a051", "▲ above"),
        ("Fractions", "−58\u00a0±\u00a043", "▼ below"),
    ]
    assert (shown.rows[0].right, shown.rows[0].expected, shown.rows[0].expected_share) == (
        "33 of 41",
        "25.4 of 41",
        "62%",
    )
    assert (shown.strengths, shown.next_steps) == (["Algebra"], ["Fractions"])


def test_what_cannot_be_told_is_one_line_and_no_row() -> None:
    shown = topics(ENGLISH, given())
    assert shown is not None
    assert (shown.alike, shown.too_few) == ("Geometry (24)", "Sets (5)")
    many = [replace(FEW, name=f"T{i:03}", n=1) for i in range(NAMED + 2)]
    shown = topics(ENGLISH, given(topics=many))
    assert shown is not None
    assert not shown.rows
    assert shown.too_few.endswith("T011 (1), 2 topics with 2 answers")


def test_a_reliable_topic_that_is_like_the_level_is_shown_and_not_named() -> None:
    like = replace(ABOVE, deviation=0.2, verdict="alike")
    shown = topics(ENGLISH, given(topics=[like]))
    assert shown is not None
    assert [(row.beside, row.verdict) for row in shown.rows] == [("+20\u00a0±\u00a051", "alike")]
    assert not shown.strengths


def test_topics_beyond_the_table_are_counted() -> None:
    many = [replace(ABOVE, name=f"T{i}", n=3) for i in range(TOPICS_SHOWN + 2)]
    shown = topics(ENGLISH, given(topics=many))
    assert shown is not None
    assert (len(shown.rows), shown.hidden) == (TOPICS_SHOWN, "2 topics with 6 answers")


def test_without_a_level_or_a_topic_nothing_is_said() -> None:
    assert topics(ENGLISH, given(level=None)) is None
    assert topics(ENGLISH, given(topics=())) is None


def test_no_margin_is_below_a_point() -> None:
    sure = Topic("A", 9_000, 5_000, 5_000.0, 0.0, 1e-4, reliable=True, verdict="alike")
    shown = topics(ENGLISH, given(topics=[sure]))
    assert shown is not None
    assert shown.rows[0].beside == "0\u00a0±\u00a01"
