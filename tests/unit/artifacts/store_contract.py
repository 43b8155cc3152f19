"""What every artifact store must pass. A subclass named Test... overrides the fixture `store`."""

import hashlib
import string
from concurrent.futures import ThreadPoolExecutor

import pytest

from resources.artifacts.store import ArtifactStore, report_key
from resources.errors import ArtifactMissing, InvalidInput
from resources.model import Week

KEY = "reports/2025-01-06/u1/weekly_report.html"
HTML = "text/html; charset=utf-8"
WEEK = Week.parse("2025-01-06")
ODD_IDS = (
    "u1", "U1", "../x", "..", ".", "/", "/etc/passwd", "a/b", "a\\b", "a|b", "~75", "u~31", "Ünal", "ünal",
    "u\u0308nal",
    "학생", "\U0001f393", "\u202eabc", "\x00", " ", "%2e%2e%2f", "a?b#c", "a*", "synthetic-0001", "u" * 500, "u" * 501,
)  # fmt: skip


class StoreContract:
    @pytest.fixture
    def store(self) -> ArtifactStore:
        raise NotImplementedError

    def test_what_is_put_can_be_read_at_a_stable_address(self, store: ArtifactStore) -> None:
        before = store.address(KEY)
        assert store.put(KEY, b"one", HTML) == before
        assert store.put(KEY, b"two", HTML) == before
        assert before.endswith(KEY)
        assert store.read(KEY) == b"two"
        assert store.sha256(KEY) == hashlib.sha256(b"two").hexdigest()

    @pytest.mark.parametrize("content", [b"", bytes(range(256)) * 4096], ids=["empty", "a megabyte of all bytes"])
    def test_content_comes_back_as_it_is(self, store: ArtifactStore, content: bytes) -> None:
        store.put(KEY, content, HTML)
        assert store.read(KEY) == content
        assert store.sha256(KEY) == hashlib.sha256(content).hexdigest()

    def test_what_is_missing_is_told(self, store: ArtifactStore) -> None:
        assert store.sha256(KEY) is None
        with pytest.raises(ArtifactMissing, match="weekly_report"):
            store.read(KEY)
        store.delete(KEY)
        store.put(KEY, b"one", HTML)
        store.delete(KEY)
        store.delete(KEY)
        assert store.sha256(KEY) is None

    def test_the_last_bytes_are_read_alone(self, store: ArtifactStore) -> None:
        store.put(KEY, b"0123456789", HTML)
        assert [store.tail(KEY, size) for size in (3, 10, 11)] == [b"789", b"0123456789", b"0123456789"]
        store.delete(KEY)
        with pytest.raises(ArtifactMissing, match="weekly_report"):
            store.tail(KEY, 3)

    def test_names_are_those_directly_in_a_folder(self, store: ArtifactStore) -> None:
        assert list(store.names("reports")) == []
        for key in ("reports/b/x.html", "reports/a/x.html", "reports/a/y.html", "reports/c.html", "reports-old/x.html"):
            store.put(key, b"x", HTML)
        assert list(store.names("reports")) == ["a", "b", "c.html"]
        assert list(store.names("reports/a")) == ["x.html", "y.html"]

    def test_keys_lists_what_is_below_a_folder_and_no_more(self, store: ArtifactStore) -> None:
        assert list(store.keys("")) == list(store.keys("reports")) == []
        given = [f"reports/{folder}/x.html" for folder in ("b", "a", "a-1", "a~1")]
        for key in [*given, "reports-old/x.html"]:
            store.put(key, b"x", HTML)
        assert sorted(store.keys("reports")) == sorted(given)
        assert len(list(store.keys(""))) == 5
        store.delete("reports/a/x.html")
        assert list(store.keys("reports/a")) == []
        assert len(list(store.keys("reports"))) == 3

    def test_keys_come_folder_by_folder_and_weeks_in_their_order(self, store: ArtifactStore) -> None:
        weeks = [WEEK.plus(number) for number in (4, -1, 0, 60)]
        for user_id in ("u", "u-1", "V"):
            for week in weeks:
                store.put(report_key(week, user_id, "html"), b"x", HTML)
        listed = [key.split("/")[1] for key in store.keys("reports")]
        assert listed == [week.key for week in sorted(weeks) for _ in range(3)]

    @pytest.mark.parametrize(
        "key",
        ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", ".hidden", "a/.part", "a\\b", "a\nb", "a b", "ä", "."],
    )
    def test_a_key_that_leaves_the_store_or_needs_quoting_is_refused(self, store: ArtifactStore, key: str) -> None:
        for act in (
            lambda: store.put(key, b"x", HTML),
            lambda: store.read(key),
            lambda: store.sha256(key),
            lambda: store.delete(key),
            lambda: store.address(key),
        ):
            with pytest.raises(InvalidInput, match="no key"):
                act()
        assert list(store.keys("")) == []

    def test_every_user_has_a_file_of_their_own_whatever_the_id(self, store: ArtifactStore) -> None:
        keys = [report_key(WEEK, user_id, "html") for user_id in ODD_IDS]
        for key, user_id in zip(keys, ODD_IDS, strict=True):
            store.put(key, user_id.encode(), HTML)
        assert [store.read(key).decode() for key in keys] == list(ODD_IDS)
        assert sorted(store.keys("reports/2025-01-06")) == sorted(keys)

    def test_writers_side_by_side_leave_one_whole_file(self, store: ArtifactStore) -> None:
        contents = [letter.encode() * 200_000 for letter in string.ascii_lowercase]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda content: store.put(KEY, content, HTML), contents))
        assert store.read(KEY) in contents
