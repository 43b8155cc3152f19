"""Which of a file's columns hold the responses, and its encoding: told by a person, and kept under a name."""

import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from resources import atomic_file
from resources.errors import InvalidInput
from resources.ingest.checking.faults import NOTHING_LOADED
from resources.ingest.reading.encodings import known
from resources.ingest.reading.sources import Source, SourceFile
from resources.model import Ints

REQUIRED = ("user_id", "session_id", "item_id", "correct", "answered_at")
OPTIONAL = ("response_time_ms", "topic", "attempt_no")
COLUMNS = (*REQUIRED, *OPTIONAL)


@dataclass(frozen=True)
class Layout:
    """`columns` maps our names to the file's; a column that is not in it has our name. No `encoding` is UTF-8.

    `topics_may_differ` where a file has a row for each skill of an answered item: the first counts.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    topics_may_differ: bool = False
    notes: Counter[str] = field(default_factory=Counter, compare=False)  # none: nothing is worked out

    def begin(self, source: Source) -> None:
        """Nothing stands aside."""

    def is_aside(self, file: SourceFile) -> bool:
        return False

    def wanted(self, header: Sequence[str], file: SourceFile) -> list[str]:
        """The names of the file's columns that are read.

        Raises:
            InvalidInput: it is empty, lacks one, or has one twice.
        """
        return list(dict.fromkeys(self._found(header, file.name).values()))  # one may serve twice

    def responses(self, table: pa.Table, places: Ints, file: SourceFile) -> tuple[pa.Table, Ints]:
        """The wanted columns under our names, and each row's place."""
        found = self._found(table.column_names, file.name)
        return table.select(list(found.values())).rename_columns(list(found)), places

    def _found(self, header: Sequence[str], name: str) -> dict[str, str]:
        require_content(header, name)
        called = {ours: self.columns.get(ours, ours) for ours in COLUMNS}
        missing = [theirs for ours, theirs in called.items() if theirs not in header and self._needs(ours)]
        if missing:
            raise InvalidInput(
                f"{name} has no column {', '.join(missing)}; it has {', '.join(header)[:200]}. It "
                f"needs {', '.join(called[ours] for ours in REQUIRED)}; {', '.join(OPTIONAL)} may be there.",
                where=name,
                remedy="Another name is told by --map, such as --map item_id=question.",
                outcome=NOTHING_LOADED,
            )
        there = {ours: theirs for ours, theirs in called.items() if theirs in header}
        twice = [theirs for theirs in there.values() if header.count(theirs) > 1]
        if twice:
            raise InvalidInput(
                f"{name} has the column {twice[0]} twice", where=name, remedy="remove one.", outcome=NOTHING_LOADED
            )
        return there

    def _needs(self, ours: str) -> bool:
        """One that was mapped by name has to be there, too."""
        return ours in REQUIRED or ours in self.columns


def require_content(header: Sequence[str], name: str) -> None:
    if not any(header):
        raise InvalidInput(f"{name} is empty", where=name, remedy="export it anew.", outcome=NOTHING_LOADED)


def mapped(pairs: Sequence[str]) -> dict[str, str]:
    """`item_id=question` and the like, as `Layout.columns`.

    Raises:
        InvalidInput: one is not of this form, or names no column of ours, or one of ours twice.
    """
    columns: dict[str, str] = {}
    for pair in pairs:
        ours, equals, theirs = (part.strip() for part in pair.partition("="))
        if not equals or not theirs or ours not in COLUMNS or ours in columns:
            raise InvalidInput(
                f"--map {pair} is not understood",
                remedy=f"write ours, once, and the file's, as in item_id=question. Ours are {', '.join(COLUMNS)}.",
            )
        columns[ours] = theirs
    return columns


def save(folder: Path, name: str, layout: Layout) -> Path:
    """Keep the layout under this name; returns the file, which a person may edit."""
    _require_name(name)
    lines = [f"# seedtest ingest --preset {name} FILE: our columns, and what the file calls them."]
    if layout.encoding:
        lines.append(f"encoding = {_quoted(layout.encoding)}")
    lines += ["[columns]", *(f"{ours} = {_quoted(theirs)}" for ours, theirs in layout.columns.items()), ""]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.toml"
    atomic_file.write(path, "\n".join(lines).encode())
    return path


def saved(folder: Path, name: str, built_in: Iterable[str] = ()) -> Layout:
    """What was kept under this name; the message names those and the ones that are `built_in`.

    Raises:
        InvalidInput: nothing was, or the file was edited to what is no layout.
    """
    _require_name(name)
    path = folder / f"{name}.toml"
    if not path.is_file():
        there = ", ".join([*built_in, *sorted(file.stem for file in folder.glob("*.toml"))])
        raise InvalidInput(f"There is no preset {name}", remedy=f"name one of {there}." if there else "save one first.")
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is not TOML ({error})", where=path, remedy="mend it, or save it anew.") from error
    columns, encoding = content.get("columns", {}), content.get("encoding")
    if (
        content.keys() - {"columns", "encoding"}
        or not isinstance(columns, dict)
        or not all(ours in COLUMNS and isinstance(theirs, str) for ours, theirs in columns.items())
    ):
        raise InvalidInput(
            f"{path} may hold `encoding` and `[columns]`, whose names are {', '.join(COLUMNS)}", where=path,
            remedy="mend it, or save it anew.",
        )  # fmt: skip
    return Layout(columns, known(str(encoding)) if encoding else None)


def _require_name(name: str) -> None:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise InvalidInput(f"{name!r} is no name for a preset", remedy="use letters, digits and hyphens.")


def _quoted(text: str) -> str:
    """A JSON string is a TOML one, too, where other characters stand for themselves."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
