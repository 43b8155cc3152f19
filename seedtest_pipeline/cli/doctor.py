"""The command `doctor`: which parts work, and what to do where one does not."""

from dataclasses import asdict

import typer
from rich.markup import escape

from seedtest_pipeline.cli import startup
from seedtest_pipeline.cli.options import AsJson
from seedtest_pipeline.terminal import OUT


def doctor(as_json: AsJson = False) -> None:
    """Examine every part: green, red with what to do, or without a colour where it is not there and not needed."""
    from seedtest_pipeline.doctor import examine

    findings = []
    for finding in examine(startup.parts()):
        findings.append(finding)
        if not as_json:
            mark = "absent" if not finding.there else "[green]ok[/]    " if finding.ok else "[red]broken[/]"
            OUT.print(f"{mark} {finding.part:<16} {escape(finding.detail)}", highlight=False)
    if as_json:
        OUT.print_json(data=[asdict(finding) for finding in findings])
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)
