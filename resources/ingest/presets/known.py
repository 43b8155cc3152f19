"""The presets by name: those that are built in, and those that a person kept."""

from pathlib import Path

from resources.ingest.presets.datasets import Assistments, EdNet, Oulad, Riiid
from resources.ingest.presets.preset import Export, Preset
from resources.ingest.presets.quizzes import Canvas, Moodle
from resources.ingest.reading import layout

EXPORTS: dict[str, type[Export]] = {kind.name: kind for kind in (Assistments, Canvas, EdNet, Moodle, Oulad, Riiid)}


def preset(folder: Path, name: str) -> Preset:
    """A new one, without notes yet; `folder` has those that were kept.

    Raises:
        InvalidInput: there is none of this name.
    """
    if name in EXPORTS:
        return EXPORTS[name]()
    return layout.saved(folder, name, EXPORTS)
