"""What people have: made-up files in the real columns of EdNet, Riiid, ASSISTments, OULAD, Moodle, Canvas, xAPI."""

import json
from pathlib import Path

import pytest

from resources.errors import InvalidInput
from resources.ingest.presets.known import EXPORTS, preset
from resources.ingest.response_file import ResponseFile, read


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text, "utf-8")
    return path


def answers(file: ResponseFile, *columns: str) -> list[tuple[object, ...]]:
    return [tuple(row[column] for column in columns) for row in file.responses.to_pylist()]


def refusal(path: Path, name: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        read(path, preset(path.parent, name))
    return str(caught.value)


EDNET_QUESTIONS = """question_id,bundle_id,explanation_id,correct_answer,part,tags,deployed_at
q1,b1,e1,b,1,1;2,1558093217098
q2,b2,e2,d,5,7,1558093219720
"""


def test_ednet(tmp_path: Path) -> None:
    written(tmp_path / "KT1" / "questions.csv", EDNET_QUESTIONS)
    header = "timestamp,solving_id,question_id,user_answer,elapsed_time"
    written(tmp_path / "KT1" / "u7.csv", f"{header}\n1565096151269,1,q1,b,38000\n1565096187972,2,q2,a,24000\n")
    written(tmp_path / "KT1" / "u8.csv", f"{header}\n1565096151269,1,q2,,1000\n")
    file = read(tmp_path / "KT1", preset(tmp_path, "ednet"))
    assert answers(file, "user_id", "session_id", "item_id", "correct", "response_time_ms", "topic") == [
        ("u7", "u7-1", "q1", True, 38000, "Part 1"), ("u7", "u7-2", "q2", False, 24000, "Part 5"),
        ("u8", "u8-1", "q2", None, 1000, "Part 5"),
    ]  # fmt: skip
    assert file.first.isoformat() == "2019-08-06T12:55:51.269000+00:00"


def test_ednet_needs_the_right_answers(tmp_path: Path) -> None:
    header = "timestamp,solving_id,question_id,user_answer,elapsed_time"
    path = written(tmp_path / "KT1" / "u7.csv", f"{header}\n1565096151269,1,q9,b,38000\n")
    assert refusal(path.parent, "ednet").startswith("KT1 has no questions.csv: put it beside the answers")
    written(tmp_path / "KT1" / "questions.csv", EDNET_QUESTIONS)
    assert "line 2, column correct: 'no key of q9 in questions.csv'" in refusal(path.parent, "ednet")


RIIID = "row_id,timestamp,user_id,content_id,content_type_id,task_container_id,user_answer,answered_correctly"


def test_riiid(tmp_path: Path) -> None:
    rows = "0,0,115,5692,0,1,3,1\n1,56943,115,5716,0,2,2,0\n2,118363,115,128,1,3,-1,-1\n"
    file = read(written(tmp_path / "train.csv", f"{RIIID}\n{rows}"), preset(tmp_path, "riiid"))
    assert answers(file, "user_id", "session_id", "item_id", "correct") == [
        ("115", "115-1", "5692", True), ("115", "115-2", "5716", False),
    ]  # fmt: skip
    assert file.last.isoformat() == "2018-01-01T00:00:56.943000+00:00"
    assert "Lectures, which were left aside: 1." in file.notes
    assert any("counted from 2018-01-01, since the file does not date" in note for note in file.notes)


ASSISTMENTS = "problem_log_id,skill,problem_id,user_id,assignment_id,start_time,end_time,correct,ms_first_response"


def test_assistments(tmp_path: Path) -> None:
    rows = [
        "1,Box and Whisker,426415,64525,33022,2012-09-28 15:11:27,2012-09-28 15:11:45,1,32454",
        "2,,86686,64525,33022,2012-09-28 15:12:00,2012-09-28 15:12:20,0.25,-4",
        "3,Ratios,86686,64525,33022,2012-09-28 15:12:00,2012-09-28 15:12:20,0.25,-4",
    ]
    path = written(tmp_path / "a.csv", "\n".join([ASSISTMENTS, *rows]))
    file = read(path, preset(tmp_path, "assistments"))
    assert answers(file, "user_id", "session_id", "item_id", "correct", "response_time_ms", "topic") == [
        ("64525", "33022", "426415", True, 32454, "Box and Whisker"), ("64525", "33022", "86686", False, None, None),
    ]  # fmt: skip
    for note in (
        "Answers with part of the marks, which count as wrong: 2.",
        "Negative response times, which count as not known: 2.",
        "Rows of one answer under several topics, of which the first counts: 1.",
    ):
        assert note in file.notes


def test_assistments_of_2009_tell_no_time(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "order_id,assignment_id,user_id,problem_id,correct,ms_first_response\n")
    assert refusal(path, "assistments").startswith(
        "a.csv tells no time of an answer, as all skill builder data of 2009"
    )


def test_oulad(tmp_path: Path) -> None:
    folder = tmp_path / "anonymisedData"
    written(folder / "courses.csv", "code_module,code_presentation,module_presentation_length\nAAA,2013J,268\n")
    written(
        folder / "assessments.csv",
        "code_module,code_presentation,id_assessment,assessment_type,date,weight\n"
        "AAA,2013J,1752,TMA,19,10\nBBB,2014B,1753,CMA,54,20\n",
    )
    written(
        folder / "studentAssessment.csv",
        "id_assessment,id_student,date_submitted,is_banked,score\n"
        "1752,11391,18,0,78\n1753,11391,-1,0,39\n1752,2,1,1,60\n1752,3,2,0,\n",
    )
    file = read(folder, preset(tmp_path, "oulad"))
    assert answers(file, "user_id", "session_id", "item_id", "correct", "topic") == [
        ("11391", "AAA-2013J-1752", "1752", True, "AAA"), ("11391", "BBB-2014B-1753", "1753", False, "BBB"),
        ("3", "AAA-2013J-1752", "1752", None, "AAA"),
    ]  # fmt: skip
    assert (file.first.date().isoformat(), file.last.date().isoformat()) == ("2013-10-03", "2014-01-31")
    assert "Results carried over from an earlier presentation, which were left aside: 1." in file.notes


MOODLE = (
    'Surname,"First name","Email address",State,"Started on",Completed,"Time taken",Grade/3.00,'
    '"Q. 1 /1.00","Q. 2 /2.00"\n'
)


def test_moodle(tmp_path: Path) -> None:
    rows = (
        'Kim,Ana,a@x.org,Finished,"12 February 2021  1:03 PM","12 February 2021  1:23 PM","20 mins",2.00,1.00,1.00\n'
        'Lee,Bo,b@x.org,Finished,"Friday, 12 February 2021, 9:00 AM","Friday, 12 February 2021, 9:30 AM",x,-,-,'
        '"Requires grading"\n'
        'Roe,Cy,c@x.org,"In progress","12 February 2021  1:03 PM",-,-,-,-,-\n'
        '"Overall average",,,,,,,2.00,1.00,1.00\n'
    )
    file = read(written(tmp_path / "algebra.csv", MOODLE + rows), preset(tmp_path, "moodle"))
    assert answers(file, "user_id", "item_id", "correct") == [
        ("a@x.org", "algebra Q. 1", True), ("a@x.org", "algebra Q. 2", False),
        ("b@x.org", "algebra Q. 1", None), ("b@x.org", "algebra Q. 2", None),
    ]  # fmt: skip
    assert (file.first.isoformat()[:16], file.last.isoformat()[:16]) == ("2021-02-12T09:30", "2021-02-12T13:23")
    for note in (
        "Attempts that are not finished, and rows of averages, which were left aside: 2.",
        "Answers that nobody has graded yet, which count as not answered: 1.",
        "Answers with part of the marks, which count as wrong: 1.",
        "answered_at: 4 rows were without a time zone and taken as UTC.",
    ):
        assert note in file.notes


def test_moodle_in_another_language_names_the_line(tmp_path: Path) -> None:
    row = "Kim,Ana,a@x.org,Finished,x,12 février 2021 13:23,x,2.00,1.00,2.00\n"
    said = refusal(written(tmp_path / "algebra.csv", MOODLE + row), "moodle")
    assert "algebra.csv, line 2, column answered_at: '12 février 2021 13:23' is not a date and time" in said


def test_canvas(tmp_path: Path) -> None:
    questions = '"71: 2 + 2, is?",1.0,72: Why?,1.0'
    header = f"name,id,sis_id,section,section_id,submitted,attempt,{questions},n correct,n incorrect,score"
    rows = (
        "Ana,501,A-1,S,9,2024-03-04 10:00:00 UTC,1,4,1.0,because,0.5,1,1,1.5\n"
        "Ana,501,A-1,S,9,2024-03-05 10:00:00 UTC,2,5,0.0,,0.0,0,2,0.0\n"
        "Bo,502,B-1,S,9,2024-03-04 11:00:00 UTC,1,4,1.0,,,1,0,1.0\n"
    )
    file = read(written(tmp_path / "quiz.csv", f"{header}\n{rows}"), preset(tmp_path, "canvas"))
    assert answers(file, "user_id", "item_id", "correct", "attempt_no") == [
        ("501", "71", True, 1), ("501", "72", False, 1), ("501", "71", False, 2), ("501", "72", None, 2),
        ("502", "71", True, 1),
    ]  # fmt: skip
    assert "Answers with part of the marks, which count as wrong: 1." in file.notes


def statement(**changes: object) -> dict[str, object]:
    return {
        "actor": {"account": {"homePage": "https://lms.example.com", "name": "user123"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": "https://example.com/items/7"},
        "result": {"success": True, "duration": "PT1M2.5S"},
        "context": {"registration": "ec531277-b57b-4c15-8d91-d292c5b2b8f7"},
        "timestamp": "2025-01-06T18:30:00+0900",
    } | changes


def test_xapi_however_the_statements_stand_there(tmp_path: Path) -> None:
    statements = [
        statement(),
        statement(verb={"id": "http://adlnet.gov/expapi/verbs/experienced"}),
        statement(
            actor={"mbox": "mailto:bo@x.org"}, result={}, context={"contextActivities": {"parent": [{"id": "quiz-1"}]}}
        ),
    ]
    lines = "\n".join(map(json.dumps, statements))
    for n, text in enumerate((
        json.dumps(statements), json.dumps(statements, indent=2), lines, json.dumps({"statements": statements}),
    )):  # fmt: skip
        file = read(written(tmp_path / f"{n}.json", text))
        assert answers(file, "user_id", "session_id", "item_id", "correct", "response_time_ms") == [
            ("bo@x.org", "quiz-1", "https://example.com/items/7", None, None),
            ("user123", "ec531277-b57b-4c15-8d91-d292c5b2b8f7", "https://example.com/items/7", True, 62_500),
        ]
        assert file.first.isoformat() == "2025-01-06T09:30:00+00:00"
        assert file.notes == ("Statements with another verb than answered, which were left aside: 1.",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[{", "answers.json is not JSON"),
        ("[1]", "answers.json, statement 1 is not an object"),
        (json.dumps([statement(context={})]), "answers.json, statement 1, column session_id: nothing is not an id"),
        (json.dumps([statement(actor={})]), "answers.json, statement 1, column user_id: nothing is not an id"),
        (json.dumps([statement(result={"success": "yes"})]), "statement 1, column correct: '\"yes\"' is neither"),
        (json.dumps([statement(result={"duration": "1:02"})]), "statement 1, column response_time_ms: '1:02'"),
        (
            json.dumps([statement(), statement(actor={"account": {"homePage": "https://b.org", "name": "user123"}})]),
            "answers.json, statement 2 is of an account of https://b.org, and others are of https://lms.example.com",
        ),
    ],
)
def test_statements_that_are_no_answers_are_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(written(tmp_path / "answers.json", text))
    assert says in str(caught.value)


@pytest.mark.parametrize("name", ["riiid", "assistments", "moodle", "canvas"])
def test_another_file_than_the_presets_is_refused_by_its_columns(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / "a.csv", "user_id,item\n1,2\n")
    assert refusal(path, name).endswith(f"It is no export that --preset {name} reads. Nothing was loaded.")


def test_a_preset_that_is_not_there_is_told_which_are(tmp_path: Path) -> None:
    assert f"name one of {', '.join(EXPORTS)}." in refusal(tmp_path / "a.csv", "mooodle")
