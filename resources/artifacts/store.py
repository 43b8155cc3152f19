"""What every artifact store promises, and under which key a report stands."""

import re
from collections.abc import Iterator, Mapping
from typing import Protocol, get_args

from resources.errors import InvalidInput
from resources.model import Edition, Format, Week, safe_key

_KEY = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")

CONTENT_TYPES: Mapping[Format, str] = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "eml": "message/rfc822",
}
REPORTS, CLASSES = "reports", "classes"  # folders of learners' reports, and of classes'
_REPORT_NAME = "weekly_report"
_CLASS_REPORT = re.compile(
    rf"{CLASSES}/(\d{{4}}-\d\d-\d\d)/[a-z0-9_~-]+/class_report\.(?:{'|'.join(get_args(Format))})"
)
_REPORT = re.compile(
    rf"{REPORTS}/(\d{{4}}-\d\d-\d\d)/[a-z0-9_~-]+/{_REPORT_NAME}"
    rf"(?:\.(?:{'|'.join(get_args(Edition))}))?\.(?:{'|'.join(get_args(Format))})"
)


class ArtifactStore(Protocol):
    """Whole files by key; a reader sees an earlier or a later whole file, never a part of one. Thread-safe.

    A key is a relative path of `/`-separated names; one that `checked_key` refuses is refused by every method.

    Raises, every method: RetryLater, where the store does not answer; StoreRefuses, where it takes nothing from us.
    """

    def put(self, key: str, content: bytes, content_type: str) -> str:
        """The address of the file, now in place. The same content again changes nothing that a reader sees."""
        ...

    def read(self, key: str) -> bytes:
        """Its bytes. Raises ArtifactMissing."""
        ...

    def tail(self, key: str, size: int) -> bytes:
        """Its last bytes, `size` at most. Raises ArtifactMissing."""
        ...

    def sha256(self, key: str) -> str | None:
        """Of its bytes, in hexadecimal; None where there is no such file."""
        ...

    def delete(self, key: str) -> None:
        """It is gone, whether or not it was there."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Of the files below the folder `prefix`; of all where it is empty.

        Folder by folder, and folders named by a date in its order. A file whose name is no key is none of ours.
        """
        ...

    def names(self, folder: str) -> Iterator[str]:
        """Of the files and folders directly in the folder, ascending."""
        ...

    def address(self, key: str) -> str:
        """Where the file under this key stands or would stand; always the same, and opens nothing by itself."""
        ...


def report_key(week: Week, user_id: str, form: str, edition: Edition = "learner") -> str:
    """Such as `reports/2025-01-06/<safe user id>/weekly_report.html`, or `weekly_report.teacher.html` where it is not
    the learner's own; never one for two users."""
    name = _REPORT_NAME if edition == "learner" else f"{_REPORT_NAME}.{edition}"
    return checked_key(f"{REPORTS}/{week.key}/{safe_key(user_id)}/{name}.{form}")


def learner_keys(store: ArtifactStore, user_id: str) -> Iterator[str]:
    """Of every file in the learner's folders, of all weeks, recorded or not."""
    for week in store.names(REPORTS):
        folder = f"{REPORTS}/{week}/{safe_key(user_id)}"
        yield from (f"{folder}/{name}" for name in store.names(folder))


def class_report_key(week: Week, group: str, form: str) -> str:
    """Such as `classes/2025-01-06/<safe group>/class_report.html`; never one for two groups."""
    return checked_key(f"{CLASSES}/{week.key}/{safe_key(group)}/class_report.{form}")


def week_of(key: str) -> Week | None:
    """The week of the report, a learner's or a class's, whose file stands under this key; None: it is no report's."""
    if not (found := _REPORT.fullmatch(key) or _CLASS_REPORT.fullmatch(key)):
        return None
    try:
        return Week.parse(found[1])
    except InvalidInput:  # shaped as a date, and none, or no Monday
        return None


def checked_key(key: str) -> str:
    """The key itself.

    Raises:
        InvalidInput: it is empty, leaves the store (`..`, a leading `/`), hides (a leading `.`) or needs quoting.
    """
    if not is_key(key):
        raise InvalidInput(f"{key!r} is no key", remedy="use names of letters, digits and . _ ~ - with / between.")
    return key


def is_key(name: str) -> bool:
    return _KEY.fullmatch(name) is not None
