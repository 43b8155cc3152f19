"""What `doctor` says of the platform's own table."""

from resources.database.engine import transaction
from seedtest_pipeline import doctor
from seedtest_pipeline.wiring import Parts


def test_an_index_that_the_platform_lacks_is_advised_and_nothing_is_broken(settings, engine):
    parts = Parts(settings)
    try:
        assert doctor._users(parts) == "0 users"
        with transaction(engine) as connection:
            connection.exec_driver_sql("ALTER TABLE exam_results DROP CONSTRAINT exam_results_user_id_session_id_key")
        found = doctor._finding("users", doctor._users, parts)
    finally:
        parts.engine.dispose()
    assert found.ok
    assert "exam_results needs an index that begins with user_id" in found.detail
