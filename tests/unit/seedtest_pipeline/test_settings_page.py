"""docs/settings.md names every setting, no other, and each with the default that the program has."""

import re
from pathlib import Path

import pytest

from seedtest_pipeline.settings import Settings

PAGE = (Path(__file__).parents[3] / "docs" / "settings.md").read_text("utf-8")
ROWS = re.findall(r"^\| `([A-Z0-9_]+)` \| (.+?) \| .+ \|$", PAGE, re.MULTILINE)
DEFAULTS = {name.upper(): field.default for name, field in Settings.model_fields.items()}


def test_the_table_names_each_setting_once():
    assert sorted(name for name, _ in ROWS) == sorted(DEFAULTS)


@pytest.mark.parametrize(("name", "shown"), ROWS)
def test_the_default_in_the_table_is_the_programs(monkeypatch, tmp_path, name, shown):
    if not (value := re.fullmatch(r"`(.+)`", shown)):
        assert DEFAULTS[name] is None
        return
    if name == "SEEDTEST_HOME":
        assert DEFAULTS[name].name == value[1]
        return
    for other in DEFAULTS:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv("SEEDTEST_HOME", str(tmp_path))
    monkeypatch.setenv(name, value[1])
    assert getattr(Settings.load(), name.lower()) == DEFAULTS[name]
