"""The command `ingest`: files of responses into the database, and what became of them."""

import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seedtest_pipeline.cli import startup
from seedtest_pipeline.cli.options import AsJson
from seedtest_pipeline.terminal import OUT, bars, facts, remark

if TYPE_CHECKING:
    from pathlib import Path

    import sqlalchemy as sa

    from resources.ingest.presets.preset import Preset
    from resources.ingest.reading.sources import Source
    from resources.ingest.response_file import ResponseFile
    from resources.progress import Progress
    from seedtest_pipeline.settings import Settings


def ingest(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE...", help="CSV or Parquet: files, folders or patterns; packed by gzip or zstd, if you like.",
            show_default=False,
        ),
    ] = None,
    exam: Annotated[str, typer.Option(help="The exam's id.")] = "ingested",
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS", help="What the file calls a column, such as item_id=question."),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of CSV: cp949, cp1252, utf-16 ...; UTF-8 unless told.")] = None,
    save: Annotated[str | None, typer.Option(metavar="NAME", help="Keep --map and --encoding under this name.")] = None,
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What was saved, or assistments, canvas, ednet, moodle, oulad, riiid."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="The file is the truth for its sessions: what it lacks of them goes.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    undo: Annotated[str | None, typer.Option(metavar="NAME", help="Take a file back that was loaded.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Load responses from files into exam_results: all of them, or none. A second run of the same files changes
    nothing."""
    if bool(files) == (undo is not None):
        raise typer.BadParameter("Name files to load, or one to --undo.", param_hint="FILE")
    if undo is not None:
        _undo(undo, dry_run, as_json)
        return
    typed = files or []
    remark(f"Reading {', '.join(typed)} ...")
    from resources.ingest.reading.sources import find
    from resources.ingest.reading.without_pandas import leave_pandas_out

    leave_pandas_out()
    parts = startup.parts()
    begun = time.monotonic()
    layout = _layout(parts.settings.home / "presets", preset, columns or [], encoding, save)
    with bars() as progress:
        read = _read([find(one) for one in typed], layout, progress)
        remark(f"Storing {sum(file.n_responses for file in read):,} responses ...")
        counts, n_users = _store(parts.engine, read, exam, progress, replace=replace, dry_run=dry_run)
    _show(counts, read, time.monotonic() - begun, as_json)
    for file in read:
        for note in file.notes:
            remark(f"{file.name}: {note}" if len(read) > 1 else note)
    _remark_on(counts)
    if dry_run:
        remark("Nothing was stored: this was a dry run.")
        return
    _begin_weeks_with(read, parts.settings)
    if complaint := parts.user_keys.outgrown(n_users):
        remark(complaint)


def _undo(name: str, dry_run: bool, as_json: bool) -> None:
    from resources.database.engine import transaction
    from resources.ingest import load

    with transaction(startup.parts().engine) as connection:
        undone = load.undo(connection, name)
        if dry_run:
            connection.rollback()
    made = {"file": undone.name, "loaded_at": undone.loaded_at.isoformat(timespec="seconds"),
            "sessions_removed": undone.removed, "sessions_restored": undone.restored}  # fmt: skip
    _print(made, as_json)
    if dry_run:
        remark("Nothing was changed: this was a dry run.")
    if undone.earlier:
        remark(f"{undone.earlier} earlier loads of {name} are still there: --undo takes them back one by one.")


def _layout(
    folder: "Path", name: str | None, columns: "Sequence[str]", encoding: str | None, save: str | None
) -> "Preset":
    """As it was kept, and what is told now before that."""
    from dataclasses import replace

    from resources.errors import InvalidInput
    from resources.ingest.presets.known import EXPORTS, preset
    from resources.ingest.reading import layout
    from resources.ingest.reading.encodings import known

    found = preset(folder, name) if name else layout.Layout()
    if not isinstance(found, layout.Layout):
        if columns or encoding or save:
            raise InvalidInput(f"--preset {name} knows its columns", remedy="leave --map, --encoding and --save out.")
        return found
    if save in EXPORTS:
        raise InvalidInput(f"--save {save} is the name of a preset that is there", remedy="choose another.")
    found = replace(found, columns={**found.columns, **layout.mapped(columns)})
    if encoding:
        found = replace(found, encoding=known(encoding))
    if save:
        remark(f"Kept in {layout.save(folder, save, found)}: --preset {save} reads such files from now on.")
    return found


def _read(sources: "Sequence[Source]", preset: "Preset", progress: "Progress") -> "list[ResponseFile]":
    """All of them, under one bar."""
    from resources.ingest.response_file import read
    from resources.progress import Steps

    steps = Steps(progress, "bytes read", sum(file.size for source in sources for file in source.files))
    return [read(source, preset, steps) for source in sources]


def _store(
    engine: "sa.Engine", files: "Sequence[ResponseFile]", exam: str, progress: "Progress", *, replace: bool,
    dry_run: bool,
) -> tuple[Counter[str], int]:  # fmt: skip
    """In one transaction: what became of the sessions of all files, and how many learners there are now."""
    from dataclasses import asdict

    from resources.database.engine import transaction
    from resources.database.queries.sessions import attempts
    from resources.ingest import load

    counts, total = Counter[str](), sum(file.n_responses for file in files)
    with transaction(engine) as connection:
        for file in files:
            steps = partial(_onwards, progress, counts["responses"], total)
            loaded = asdict(load.ingest(connection, file, exam, steps, replace=replace))
            counts.update(loaded.pop("changes"))
            counts.update(loaded)
        n_users = len(attempts.users(connection))
        if dry_run:
            connection.rollback()
    return counts, n_users


def _onwards(progress: "Progress", before: int, total: int, done: int, _: int) -> None:
    progress("responses", before + done, total)


def _show(counts: Counter[str], files: "Sequence[ResponseFile]", seconds: float, as_json: bool) -> None:
    from resources.model import Week

    made = {
        "responses": counts["responses"],
        "sessions_new": counts["new"],
        "sessions_grown": counts["grown"],
        "sessions_unchanged": counts["unchanged"],
        "sessions_of_the_platform": counts["foreign"],
        "responses_left_out_of_those": counts["foreign_responses"],
        **({"responses_of_ignored_learners": counts["ignored_responses"]} if counts["ignored"] else {}),
        "responses_added_to_known_sessions": counts["added"],
        "responses_changed": counts["changed"],
        "responses_removed": counts["removed"],
        "first_week": Week.containing(min(file.first for file in files)).key,
        "last_week": Week.containing(max(file.last for file in files)).key,
        "seconds": round(seconds, 1),
        "responses_per_second": round(counts["responses"] / seconds),
    }
    _print(made, as_json)


def _print(made: dict[str, Any], as_json: bool) -> None:
    if as_json:
        OUT.print_json(data=made)
    else:
        facts({
            name.replace("_", " "): f"{value:,}" if isinstance(value, int) else value for name, value in made.items()
        })  # fmt: skip


def _remark_on(counts: Counter[str]) -> None:
    """What may have been meant otherwise."""
    if counts["foreign_responses"]:
        remark("Answers to sessions that the platform wrote itself were left out: those stay as it wrote them.")
    if counts["ignored"]:
        remark("Answers of learners who were forgotten and are ignored were left out: `seedtest ignored` lists them.")
    if counts["again"]:
        remark(
            f"{counts['again']:,} answers are to items that their session held already, at another time. If the "
            "times were corrected, take this file back by --undo and load it with --replace."
        )
    if counts["moved"]:
        remark(
            f"{counts['moved']:,} new sessions stand there under another learner, too, with the same answers. If "
            "learners were corrected, take the earlier file back by --undo."
        )


def _begin_weeks_with(files: "Sequence[ResponseFile]", settings: "Settings") -> None:
    from resources.model import Week
    from seedtest_pipeline.settings import remember, set_by_environment

    first = Week.containing(min(file.first for file in files))
    if first.start >= settings.first_week:
        return
    if set_by_environment("FIRST_WEEK"):
        remark(f"The first answers are of {first}: set FIRST_WEEK={first} to run those weeks.")
        return
    remember(settings, "FIRST_WEEK", first.key)
    remark(
        f"Weeks now begin at {first}, and no longer at {settings.first_week}: FIRST_WEEK in "
        f"{settings.home / 'settings.env'} was changed."
    )
