"""All editions of a sample learner's report, to look at while its document is worked on. Run by `make preview`.

Written by the pipeline's own path, and as quarto/sample.json, with which Quarto or pandoc preview the document alone.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import get_args

from docs.sample_learner import CUTS, GOAL, OF_TOPICS, given
from resources.model import Edition
from resources.reports.document.fill import names, render
from seedtest_pipeline.settings import Settings
from seedtest_pipeline.wiring import QUARTO_SOURCE, Parts


def main() -> None:
    week = given(cuts=CUTS, goal=GOAL, bank=OF_TOPICS)
    parts = Parts(Settings.load())
    for form, template in parts.compile_templates().items():
        for edition in get_args(Edition):
            page = parts.settings.home / f"preview-{edition}.{form}"
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_bytes(render(template, week, edition=edition))
            print(page)
    named = dict(names(parts.compile_templates()["html"], week, "teacher"))  # which shows every part
    del named["marker"]  # of a finished report alone; it would be another one with each look at a style sheet
    sample = plain(named)
    (QUARTO_SOURCE / "sample.json").write_text(json.dumps(sample, ensure_ascii=False, indent=1) + "\n", "utf-8")


def plain(value: object) -> object:
    """As JSON holds it: pictures in both formats; what hides a part (None, empty) is false."""
    if hasattr(value, "__html__") and hasattr(value, "__typst__"):
        return {"html": value.__html__(), "typst": value.__typst__()}
    if dataclasses.is_dataclass(value):
        return plain(vars(value))
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(inner) for inner in value] or False
    return value if value not in (None, "") else False


if __name__ == "__main__":
    main()
