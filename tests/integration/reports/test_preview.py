"""The document alone, with the sample learner: what a designer sees is what the pipeline makes of the same learner."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pypandoc
import pytest

from docs.preview import plain
from resources.reports.document.compile import compile_template
from resources.reports.document.fill import names, render
from resources.reports.document.template import Template
from tests.integration.reports.conftest import SOURCE
from tests.integration.reports.states import STATES, text


def previewed(folder: Path, writer: str, template: str) -> str:
    """What the header of the document asks of Quarto, said to pandoc."""
    command = [pypandoc.get_pandoc_path(), "weekly_report.qmd", "--from=markdown", f"--to={writer}", "--wrap=none",
               "--lua-filter=sample.lua", "--lua-filter=fill.lua", f"--template=theme/{template}"]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return re.sub(r"\{\{ marker\.\w+ \}\}", "", done.stdout)


@pytest.mark.parametrize(
    "state", ["an ordinary week", "nothing at all", "a strength and a next step", "hostile names", "many topics"]
)
def test_the_preview_reads_as_the_report_of_the_same_learner(template: Template, state: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SOURCE, tmp_path / "quarto"))
    week, _ = STATES[state]
    sample = plain(names(template, week, "teacher"))
    (folder / "sample.json").write_text(json.dumps(sample), "utf-8")
    assert text(previewed(folder, "html", "page.html").encode()) == text(render(template, week, edition="teacher"))


def test_the_committed_sample_has_every_name_of_the_document(template: Template, tmp_path: Path) -> None:
    for writer, page in (("html", "page.html"), ("typst", "page.typ")):
        made = previewed(SOURCE, writer, page)
        assert not re.search(r"\{\{|<!--%|/\*%", made)
        assert json.loads((SOURCE / "sample.json").read_text("utf-8"))["user"] in made


def test_a_name_that_the_sample_lacks_is_named(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SOURCE, tmp_path / "quarto"))
    document = folder / "weekly_report.qmd"
    document.write_text(document.read_text("utf-8") + "\n[level.height]{.v}\n", "utf-8")
    with pytest.raises(AssertionError, match=r"sample\.json has no sample\.level\.height"):
        previewed(folder, "html", "page.html")


def test_the_pipeline_never_compiles_the_sample_into_a_template(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SOURCE, tmp_path / "quarto"))
    with_sample = compile_template(folder, tmp_path / "one")
    assert "{{ level.score }}" in with_sample.source
    (folder / "sample.json").unlink()
    assert compile_template(folder, tmp_path / "two") == with_sample
    assert [path.name for path in (tmp_path / "one").iterdir()] == [path.name for path in (tmp_path / "two").iterdir()]
