"""xAPI statements as responses: a JSON array, a page of a record store, or a statement per line.

Who is answering is told by account, mail address or openid; the sitting by `context.registration`, or by the parent
activity. Source: xAPI 1.0.3, part 2, and the verb `answered` of ADL.
"""

import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import IO, Any

import numpy as np
import pyarrow as pa

from resources.errors import InvalidInput
from resources.ingest.checking.faults import NOTHING_LOADED
from resources.ingest.reading.csv_reader import Complain
from resources.model import Ints

_AT_A_TIME = 10_000
_COLUMNS = ("user_id", "session_id", "item_id", "correct", "answered_at", "response_time_ms")
_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$")


def is_json(start: bytes) -> bool:
    return start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


class StatementReader:
    """`header` has our own names; `tables` gives the answered statements, each with its number, from 1.

    Raises:
        InvalidInput: it is not JSON.
    """

    def __init__(self, name: str, stream: IO[bytes], complain: Complain, notes: Counter[str]) -> None:
        self._name = name
        self._stream = stream
        self._complain = complain
        self._notes = notes
        self._home_page: str | None = None
        self.header = list(_COLUMNS)

    def tables(self, wanted: Sequence[str]) -> Iterator[tuple[pa.Table, Ints]]:
        rows = self._rows()
        while some := list(islice(rows, _AT_A_TIME)):
            columns = {
                column: pa.array([row[column] for _, row in some], pa.large_string())
                for column in _COLUMNS if column in wanted
            }  # fmt: skip
            yield pa.table(columns), np.array([number for number, _ in some])

    def _rows(self) -> Iterator[tuple[int, dict[str, str | None]]]:
        for number, statement in enumerate(self._statements(), start=1):
            if not isinstance(statement, dict):
                self._complain(number, "it is not an object", f"{self._name}, statement {number} is not an object.")
            elif not str(_at(statement, "verb", "id")).endswith("/answered"):
                self._notes["Statements with another verb than answered, which were left aside: {n}."] += 1
            else:
                yield number, self._row(number, statement)

    def _row(self, number: int, statement: dict[str, Any]) -> dict[str, str | None]:
        success = _at(statement, "result", "success")
        return {
            "user_id": self._actor(number, _at(statement, "actor")),
            "session_id": _text(_at(statement, "context", "registration"))
            or _text(_at(statement, "context", "contextActivities", "parent", 0, "id")),
            "item_id": _text(_at(statement, "object", "id")),
            "correct": None if success is None else json.dumps(success),
            "answered_at": _text(_at(statement, "timestamp")) or _text(_at(statement, "stored")),
            "response_time_ms": _milliseconds(_text(_at(statement, "result", "duration"))),
        }

    def _actor(self, number: int, actor: Any) -> str | None:
        """Names of accounts are ids within one home page only."""
        name, home_page = _text(_at(actor, "account", "name")), _text(_at(actor, "account", "homePage"))
        if name and home_page != (self._home_page or home_page):
            where = f"{self._name}, statement {number}"
            self._complain(
                number, "its account is of another home page",
                f"{where} is of an account of {home_page}, and others are of {self._home_page}: one name may be two "
                "learners. Load each home page's statements by itself.",
            )  # fmt: skip
        if name:
            self._home_page = home_page
            return name
        mail = _text(_at(actor, "mbox"))
        return (
            mail.removeprefix("mailto:") if mail else _text(_at(actor, "openid")) or _text(_at(actor, "mbox_sha1sum"))
        )

    def _statements(self) -> Iterator[Any]:
        text = io.TextIOWrapper(self._stream, encoding="utf-8-sig")
        try:
            first = text.readline()
            while first and not first.strip():
                first = text.readline()
            yield from self._lines(first, text) if _is_whole(first) else _listed(json.loads(first + text.read()))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise InvalidInput(
                f"{self._name} is not JSON ({error})", where=self._name, remedy="export it anew.",
                outcome=NOTHING_LOADED,
            ) from error  # fmt: skip
        finally:
            text.detach()

    def _lines(self, first: str, text: IO[str]) -> Iterator[Any]:
        for line in chain([first], text):
            if line.strip():
                yield from _listed(json.loads(line))


def _is_whole(line: str) -> bool:
    """Whether one line is JSON of its own, as where each has a statement."""
    try:
        json.loads(line)
    except json.JSONDecodeError:
        return False
    return True


def _listed(content: Any) -> list[Any]:
    if isinstance(content, dict) and isinstance(content.get("statements"), list):
        return list(content["statements"])
    return content if isinstance(content, list) else [content]


def _at(content: Any, *path: str | int) -> Any:
    """What stands there, or None. A single activity may stand for a list of one."""
    for step in path:
        if isinstance(step, int):
            content = content[step] if isinstance(content, list) and len(content) > step else content
        else:
            content = content.get(step) if isinstance(content, dict) else None
    return content


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _milliseconds(duration: str | None) -> str | None:
    """Of an ISO 8601 duration; another text stays, for the rules to refuse."""
    found = _DURATION.match(duration or "")
    if duration is None or found is None:
        return duration
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return str(round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000))
