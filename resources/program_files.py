"""Where the program's own files lie that are not Python: quarto/, migrations/, dagster.yaml and workspace.yaml.

In a checkout they stand beside the packages; in an installed wheel in a folder of their own beside the packages
(pyproject.toml puts them there), since site-packages belongs to everybody.
"""

from pathlib import Path

PACKAGES = Path(__file__).resolve().parents[1]
"""The folder that holds the three packages: what another process needs on its path."""

_OF_A_WHEEL = PACKAGES / "seedtest_pipeline.files"
INSTALLED = _OF_A_WHEEL.is_dir()
"""Whether this is an installed wheel, and not a checkout."""

PROGRAM_FILES = _OF_A_WHEEL if INSTALLED else PACKAGES
