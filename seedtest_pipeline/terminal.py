"""What a person sees of the command line: progress bars, tables, and errors as one line."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

OUT = Console(soft_wrap=True)
# Progress and errors: standard output stays clean for --json and pipes.
ERR = Console(stderr=True, soft_wrap=True)


def leave_at_once_while(importer: str) -> None:
    """From now on, Ctrl-C while the package `importer` imports ends the process with 130; later it is Python's own.

    An exception there may get lost, since Python calls back from inside its imports and ignores what that raises; the
    command would then go on. Nothing is open yet that an orderly end would close.
    """

    def interrupted(number: int, frame: FrameType | None) -> None:
        inner = None
        while frame is not None:
            name = str(frame.f_globals.get("__name__"))
            if name.startswith(importer) and inner is not None and inner.startswith("importlib._bootstrap"):
                os._exit(130)
            inner, frame = name, frame.f_back
        signal.default_int_handler(number, None)

    signal.signal(signal.SIGINT, interrupted)


class Bars:
    """Progress bars, one per task, made when a task is first told of; nothing where nobody watches a terminal."""

    def __init__(self, display: Progress) -> None:
        self._display = display
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, task: str, done: int, total: int) -> None:
        if task not in self._tasks or self._display.tasks[self._tasks[task]].finished:
            self._tasks[task] = self._display.add_task(task, total=total)
        self._display.update(self._tasks[task], completed=done, total=total)


@contextmanager
def bars() -> Iterator[Bars]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=ERR, transient=True, disable=not sys.stderr.isatty()) as display:
        yield Bars(display)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, figures: bool = True) -> None:
    """A table of words, whose last column is figures unless it is told otherwise."""
    shown = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        shown.add_column(column, justify="right" if figures and column == columns[-1] else "left")
    for row in rows:
        shown.add_row(*row)
    OUT.print(shown)


def facts(pairs: Mapping[str, object]) -> None:
    """Name and value per line, the values in one column."""
    width = max(len(name) for name in pairs)
    for name, value in pairs.items():
        OUT.print(f"[bold]{escape(f'{name:<{width}}')}[/]  {escape(str(value))}", highlight=False)


def complain(message: str) -> None:
    """The message as it stands: `[/b]` in a value is no markup."""
    ERR.print(f"[bold red]error:[/] {escape(message)}", highlight=False)


def remark(message: str) -> None:
    """What a person should know beside the result; as it stands."""
    ERR.print(message, highlight=False, markup=False)
