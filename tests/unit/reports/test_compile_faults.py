"""What goes wrong with a Quarto: a stand-in executable, because a real one fails only by chance."""

import logging
import shutil
import stat
from pathlib import Path

import pytest

from resources.errors import TemplateBroken
from resources.reports.document.compile import compile_template

SOURCE = Path(__file__).parents[3] / "quarto"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SOURCE, tmp_path / "a folder" / "quarto"))


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder / "quarto"


def quarto(executable: Path, version: str, render: str) -> None:
    executable.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo {version}; exit 0; fi\n{render}\n')
    executable.chmod(executable.stat().st_mode | stat.S_IXUSR)


def test_a_quarto_too_old_is_told_and_pandoc_compiles(
    source: Path, on_path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    quarto(on_path, "1.9.38", "exit 1")
    with caplog.at_level(logging.WARNING):
        template = compile_template(source, tmp_path / "cache")
    assert template.compiled_by.startswith("pandoc ")
    assert "Quarto 1.9.38 is too old (1.10 is needed)" in caplog.text


def test_a_quarto_that_fails_is_an_error_and_not_a_reason_for_pandoc(
    source: Path, on_path: Path, tmp_path: Path
) -> None:
    quarto(on_path, "1.10.2", "echo 'no such engine' >&2; exit 1")
    with pytest.raises(TemplateBroken, match="no such engine"):
        compile_template(source, tmp_path / "cache")


def test_a_quarto_that_loses_placeholders_with_exit_0_is_found_out(source: Path, on_path: Path, tmp_path: Path) -> None:
    quarto(on_path, "1.10.2", "echo '<html lang=\"en\"></html>' > weekly_report.html")
    with pytest.raises(TemplateBroken, match="lost its placeholders"):
        compile_template(source, tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.html"))


def test_a_quarto_that_writes_nothing_with_exit_0_is_found_out(source: Path, on_path: Path, tmp_path: Path) -> None:
    (source / "weekly_report.html").write_text("rendered by hand, long ago")
    quarto(on_path, "1.10.2", "exit 0")
    with pytest.raises(TemplateBroken, match=r"wrote no weekly_report\.html"):
        compile_template(source, tmp_path / "cache")


def test_quarto_renders_a_copy_and_leaves_the_source_alone(source: Path, on_path: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    quarto(on_path, "1.10.2", "echo x >> weekly_report.qmd; touch made_here; exit 1")
    with pytest.raises(TemplateBroken):
        compile_template(source, tmp_path / "cache")
    assert {path: path.read_bytes() for path in source.rglob("*") if path.is_file()} == before
