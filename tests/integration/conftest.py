import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine


@pytest.fixture
def engine(database_url) -> sa.Engine:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()
