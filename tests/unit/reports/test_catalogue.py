"""Every text has a translation that keeps its placeholders, and no translation is left over."""

import ast
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import resources.reports
from assets.cohort import answers, tables
from docs.sample_learner import KOREAN
from resources.errors import TemplateBroken
from resources.reports import cohort_document
from resources.reports.i18n.translation import chart_messages, messages, translated, translated_chart
from resources.reports.i18n.wording import Words, words_of

QUARTO = Path(__file__).parents[3] / "quarto"
DOCUMENT = (QUARTO / "weekly_report.qmd").read_text("utf-8")
OF_A_CLASS = (QUARTO / "class_report.qmd").read_text("utf-8")
OF_THE_COHORT = (QUARTO / cohort_document.DOCUMENT).read_text("utf-8")
KOREAN_OF_THE_COHORT = words_of(QUARTO, "ko", cohort_document.CATALOGUE)


def messages_in_code() -> Iterator[str]:
    """The literals of `words.text("...")` and the first of `words.count(n, "...", "...")`."""
    for path in sorted(Path(resources.reports.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name("words" | "self"), attr="text"), args=[message]):
                    yield from literals(message)
                case ast.Call(func=ast.Attribute(value=ast.Name("words" | "self"), attr="count"), args=[_, one, _]):
                    yield from literals(one)


def messages_in_charts() -> Iterator[str]:
    for path in sorted(QUARTO.glob("charts/*.svg")):
        yield from chart_messages(path.read_text("utf-8"))


def literals(node: ast.expr) -> Iterator[str]:
    """Of a literal, or of a choice between literals; anything else could hide a text from the catalogue."""
    match node:
        case ast.Constant(str(text)):
            yield text
        case ast.IfExp(_, one, other):
            yield from literals(one)
            yield from literals(other)
        case _:
            pytest.fail(f"not a literal: {ast.unparse(node)}")


def messages_of_the_cohort() -> Iterator[str]:
    """What stands in the document, and what its tables name."""
    yield from messages(OF_THE_COHORT)
    yield from (tables.THIS_BANK, tables.OTHER_BANK, *answers.REASONS, *answers.OUTCOMES)
    yield from ("misfit", "dependent", "DIF, class B", "DIF, class C")


@pytest.mark.parametrize(
    ("words", "all_messages"),
    [
        (KOREAN, [*messages(DOCUMENT), *messages(OF_A_CLASS), *messages_in_charts(), *messages_in_code()]),
        (KOREAN_OF_THE_COHORT, [*messages_of_the_cohort()]),
    ],
    ids=["learner and class", "cohort"],
)
def test_a_korean_catalogue_has_exactly_the_texts_there_are(words: Words, all_messages: list[str]) -> None:
    catalogue = read_po(io.StringIO(words.catalogue))
    ids = {m.id if isinstance(m.id, str) else m.id[0] for m in catalogue if m.id}
    missing = [message for message in all_messages if message not in ids]
    assert not missing, "\n\n".join(f'msgid "{m.replace(chr(34), chr(92) + chr(34))}"\nmsgstr ""' for m in missing)
    assert ids - set(all_messages) == set(), "in ko.po, but nowhere asked for"
    unfinished = [m.id for m in catalogue if m.id and (m.fuzzy or not all(m.string))]
    assert unfinished == []


def test_a_document_in_its_own_language_is_itself() -> None:
    assert translated(DOCUMENT, Words()) == DOCUMENT
    assert translated(DOCUMENT, KOREAN).count("\n") == DOCUMENT.count("\n")


@pytest.mark.parametrize("document", [DOCUMENT, OF_A_CLASS])
def test_no_english_is_left_in_the_korean_document(document: str) -> None:
    korean = translated(document, KOREAN).split("---\n", 2)[2]
    words = set(re.findall(r"[A-Za-z]{3,}", re.sub(r"\{[^{}]*\}|\[[\w.]+\]|:::.*", "", korean)))
    assert words <= {"EAP", "UTC"}


def test_every_text_of_the_cohorts_r_code_is_a_message() -> None:
    """Words in a literal outside of `text("...")` would stand in English in a Korean table or figure."""
    chunks = re.findall(r"^```\{r\}\n(.*?)^```$", OF_THE_COHORT, re.DOTALL | re.MULTILINE)
    without_messages = re.sub(r'\btext\(\s*"[^"]+"|\\"', "", "\n".join(chunks[1:]))  # the first sets up
    literals = [re.sub(r"<[^>]*>", "", text) for text in re.findall(r'"([^"\n]*)"', without_messages)]
    assert len(literals) > 30
    assert {text for text in literals if re.search(r"[A-Z][a-z]{2}|[a-z]{2} [a-z]", text)} == set()


def test_the_cohorts_document_is_translated_outside_and_inside_of_its_code() -> None:
    korean = translated(OF_THE_COHORT, KOREAN_OF_THE_COHORT)
    assert translated(OF_THE_COHORT, Words()) == OF_THE_COHORT
    assert re.sub(r'\btext\(\s*"[^"]+"', "", korean).count("number(") == OF_THE_COHORT.count("number(")
    assert 'text("능력의 평균")' in korean
    assert "\n## 신뢰도\n" in korean
    assert "\n: Bock & Mislevy (1982)" in korean


PO = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\nPlural-Forms: nplurals=1; plural=0;\\n"\n\n'


def message(text: str, translation: str) -> str:
    return f'msgid "{text}"\nmsgstr "{translation}"\n'


def test_a_text_without_translation_is_an_error_and_not_english() -> None:
    words = Words("ko", PO + message("Fine.", "좋아요.") + message("Bad.", "") + "#, fuzzy\n" + message("Old.", "옛."))
    assert words.text("Fine.") == "좋아요."
    for text in ("Good.", "Bad.", "Old."):
        with pytest.raises(TemplateBroken, match="must not mix languages"):
            words.text(text)
    with pytest.raises(TemplateBroken, match="must not mix languages"):
        words.count(1, "{n} day", "{n} days")
    with pytest.raises(TemplateBroken, match="must not mix languages"):
        translated(DOCUMENT, words)


@pytest.mark.parametrize(
    ("text", "translation"),
    [
        ("Of [level.of_100]{.v} right", "[level.of100]{.v}"),
        ("[a]{.v} and [b]{.v}", "[a]{.v}"),
        ("Yes, [no]{if=level}".replace("level", "'level'"), "예"),
        ("{n} of {all}", "{all} {m}"),
    ],
)
def test_a_translation_with_other_placeholders_is_refused(text: str, translation: str) -> None:
    po = PO + message(text.replace("'", '\\"'), translation)
    with pytest.raises(TemplateBroken, match="other placeholders"):
        Words("ko", po).text("anything")


def test_placeholders_may_change_places() -> None:
    assert (
        Words("ko", PO + message("{n} of {all}", "{all}개 중 {n}개")).text("{n} of {all}", n="1", all="2")
        == "2개 중 1개"
    )


def test_a_broken_catalogue_says_so() -> None:
    with pytest.raises(TemplateBroken, match="cannot be read"):
        Words("ko", "msgid 'x'").text("x")


def test_what_is_a_message_in_a_document() -> None:
    document = """---
title: "Weekly report"
lang: en
---

::: {.who if="level"}
[[user]{.v}]{.name} [± [level.se]{.v}]{.margin}
:::

## Your level {#level}

[That is above.]{if="level.place == 'above'"}
[One.]{if="a"} and [two.]{if="b"}
You gave **[practice.answers]{.v}**.

- A point
- [[t.name]{.v}]{.name}

| Day | [day.name]{.v} |
|:----|------:|
| | Right: [day.right]{.v} |
"""
    assert messages(document) == [
        "Weekly report",
        "Your level",
        "That is above.",
        '[One.]{if="a"} and [two.]{if="b"}',
        "You gave **[practice.answers]{.v}**.",
        "A point",
        "Day",
        "Right: [day.right]{.v}",
    ]


def test_a_charts_messages_are_the_texts_that_stand_in_it() -> None:
    chart = '<svg><text x="1">Right</text><text>{{ day.name }}</text><text class="a">← easier</text></svg>'
    assert chart_messages(chart) == ["Right", "← easier"]
    assert translated_chart(chart, KOREAN).count("</text>") == 3
    assert ">정답</text>" in translated_chart(chart, KOREAN)
    with pytest.raises(TemplateBroken, match="must not mix languages"):
        translated_chart("<text>Nobody said this</text>", KOREAN)


# Values that end in a vowel whatever they are: "24문제".
VOWEL = {"practice.answers", "level.answers", "too_few.given", "too_few.more"}


def test_a_korean_particle_after_a_value_suits_every_value() -> None:
    """ "2분 30초이 걸렸어요": which of the two it is depends on the last sound, which only some values have fixed."""
    catalogue = read_po(io.BytesIO((QUARTO / "locales" / "ko.po").read_bytes()))
    after = r"\[([\w.]+)\]\{\.v\}\**(?:\]\{[^}]*\})?\**(이|가|은|는|을|를|과|와|으로|로)(?=[ ,.:])"
    found = re.findall(after, " ".join(str(message.string) for message in catalogue))
    assert found
    assert {(name, particle) for name, particle in found if name not in VOWEL} == set()
    assert {particle for _, particle in found} <= {"가", "는", "를", "와", "로"}
