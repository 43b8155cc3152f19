"""Keys of reports: never one for two users, and never a way out of the store."""

from hypothesis import given
from hypothesis import strategies as st

from resources.artifacts.store import is_key, report_key
from resources.model import Week


@given(st.lists(st.text(), min_size=2, max_size=2, unique=True))
def test_no_two_users_share_a_key_even_where_case_does_not_count(user_ids: list[str]) -> None:
    first, second = (report_key(Week.parse("2025-01-06"), user_id, "html") for user_id in user_ids)
    assert first.lower() != second.lower()
    assert is_key(first)
    assert first.startswith("reports/2025-01-06/")
    assert first.count("/") == 3
