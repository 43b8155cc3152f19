"""Answers from files in a table that is the platform's own, whatever types and keys it has."""

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine, transaction
from resources.database.schema import migrate
from resources.errors import InvalidInput, OperatorRequired
from resources.ingest.load import undo
from resources.model import Week
from seedtest_pipeline.demo.synthetic_exam import synthetic_exam
from tests.integration.ingest.loading import answer, assert_stored, file_of, load


@pytest.fixture
def platform_engine(empty_database_url: str) -> Iterator[sa.Engine]:
    """A database whose exam_results is not ours."""
    engine = make_engine(empty_database_url)
    yield engine
    engine.dispose()


def make_table(engine: sa.Engine, **types: str) -> None:
    """The platform's exam_results, whose columns have these types, and what our migrations add."""
    columns = {
        "id": "serial PRIMARY KEY", "user_id": "text", "session_id": "text", "exam_id": "text", "status": "text",
        "result_json": "jsonb", "created_at": "timestamptz", "updated_at": "timestamptz",
    }  # fmt: skip
    definitions = ", ".join(f"{name} {of_type}" for name, of_type in (columns | types).items())
    with transaction(engine) as connection:
        connection.exec_driver_sql(f"CREATE TABLE exam_results ({definitions})")
    migrate.upgrade(engine)


def test_two_at_once_store_every_session_once(platform_engine: sa.Engine) -> None:
    """Without a unique key on the platform's table both used to be able to find a session missing."""
    make_table(platform_engine)
    exam = synthetic_exam(1, Week(dt.date(2025, 1, 6)), n_users=50, n_weeks=2)
    file = exam.as_file()
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: load(platform_engine, file), range(3)))
    n = exam.responses["session_id"].nunique()
    assert sorted(result.new for result in results) == [0, 0, n]
    assert_stored(platform_engine, file)


@pytest.mark.parametrize("json_type", ["jsonb", "json", "text"])
@pytest.mark.parametrize("time_type", ["timestamptz", "timestamp"])
def test_a_platforms_own_table_takes_sessions_too(platform_engine: sa.Engine, json_type: str, time_type: str) -> None:
    make_table(
        platform_engine, id="uuid PRIMARY KEY DEFAULT gen_random_uuid()", user_id="varchar(80) NOT NULL",
        session_id="varchar(80) NOT NULL", score="integer DEFAULT 0 NOT NULL", result_json=json_type,
        created_at=f"{time_type} NOT NULL", updated_at=time_type,
    )  # fmt: skip
    assert load(platform_engine, file_of(answer("i2", 5))).new == 1
    whole = file_of(answer("i1", 0), answer("i2", 5))
    assert load(platform_engine, whole).grown == 1
    assert load(platform_engine, whole).unchanged == 1
    assert_stored(platform_engine, whole)
    with transaction(platform_engine) as connection:
        assert undo(connection, "answers").restored == 1
    assert_stored(platform_engine, file_of(answer("i2", 5)))


def test_an_id_that_nothing_fills_is_named(platform_engine: sa.Engine) -> None:
    make_table(platform_engine, id="bigint PRIMARY KEY")
    with pytest.raises(
        OperatorRequired, match=r"^exam_results\.id must be filled and has no default.*Nothing was loaded\.$"
    ):
        load(platform_engine, file_of(answer("i1", 0)))


def test_what_the_platforms_table_refuses_is_a_sentence(platform_engine: sa.Engine) -> None:
    make_table(platform_engine, user_id="varchar(3)", exam_id="integer")
    with pytest.raises(
        InvalidInput, match=r"^exam_results does not take answers: invalid input syntax for type integer"
    ) as caught:
        load(platform_engine, file_of(answer("i1", 0)))
    assert "\n" not in str(caught.value)
    with transaction(platform_engine) as connection:
        connection.exec_driver_sql("ALTER TABLE exam_results ALTER exam_id TYPE text")
    with pytest.raises(InvalidInput, match="value too long for type character varying"):
        load(platform_engine, file_of(answer("i1", 0, user_id="user-1")))
