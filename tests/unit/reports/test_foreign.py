"""A name in another script says in which language it is."""

from dataclasses import replace

import pytest

from docs.sample_learner import ENGLISH, TOPICS, given
from resources.model import Language
from resources.reports.document.foreign import Foreign, foreign
from resources.reports.learner.sections.topics import topics


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("비율과 비례식 2", "en", "ko"), ("かずのカード", "en", "ja"), ("分数カード", "en", "ja"),
        ("الهندسة", "en", "und-Arab"),
        ("Дроби", "en", "und-Cyrl"), ("Fractions", "ko", "und-Latn"), ("Fractions", "en", None), ("비율", "ko", None),
        ("比例", "ko", None), ("비율 (ratio)", "en", None), ("Élève", "en", None), ("1 + 2", "ko", None),
        ("", "en", None),
    ],
)  # fmt: skip
def test_the_language_of_a_name(text: str, language: Language, said: str | None) -> None:
    found = foreign(text, language)
    assert str(found) == text
    assert (found.language if isinstance(found, Foreign) else None) == said


def test_a_foreign_topic_is_marked_on_the_page_and_nothing_in_it_acts() -> None:
    shown = topics(ENGLISH, given(topics=[replace(TOPICS[0], name="비<율")]))
    assert shown is not None
    row = shown.rows[0].name
    assert isinstance(row, Foreign)
    assert row.__html__() == '<span lang="ko">비&lt;율</span>'
    assert row.__typst__() == '"비<율"'
