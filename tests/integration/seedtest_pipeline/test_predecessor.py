"""What an operator who comes from the predecessor is told of settings: of former ones, and of one in the database."""

import pytest

from resources.database.engine import transaction
from resources.database.schema import session_length
from resources.errors import OperatorRequired
from seedtest_pipeline import doctor
from seedtest_pipeline.settings import Settings
from seedtest_pipeline.wiring import Parts


@pytest.fixture
def parts(settings, engine) -> Parts:
    parts = Parts(settings)
    yield parts
    parts.engine.dispose()


def test_a_former_setting_is_broken_until_what_replaces_it_is_set(parts, monkeypatch):
    assert doctor._predecessor(parts) == "nothing of it is here"
    monkeypatch.setenv("ENABLE_IRT_ONLINE_UPDATE", "true")
    assert "wherever `seedtest api` runs" in doctor._predecessor(parts)
    monkeypatch.setenv("REPORT_FORMAT", "pdf")
    with pytest.raises(OperatorRequired, match="REPORT_FORMAT is not read here: REPORT_FORMATS replaces it"):
        doctor._predecessor(parts)
    monkeypatch.setenv("REPORT_FORMATS", "pdf")
    assert "REPORT_FORMAT is not read here" in doctor._predecessor(parts)


def test_another_length_of_a_session_than_the_database_has_stops_the_start_until_it_is_migrated(settings, engine):
    asked = settings.model_copy(update={"session_max_hours": 72})
    refused, settled, back = Parts(asked), Parts(asked), Parts(Settings.load())
    with pytest.raises(OperatorRequired, match=r"SESSION_MAX_HOURS is 72, and 24 is in force.*seedtest migrate"):
        _ = refused.engine
    with transaction(engine) as connection:
        session_length.settle(connection, 72)
    assert settled.engine
    with pytest.raises(OperatorRequired, match="is 24, and 72 is in force"):
        _ = back.engine
    for parts in (refused, settled, back):
        parts.bare_engine.dispose()
