"""DAGSTER_HOME, made ready. Must not hold: Dagster, which commands that run nothing do not wait for."""

import logging
import shutil
from pathlib import Path

from resources import private_folder
from resources.errors import OperatorRequired
from resources.program_files import PROGRAM_FILES
from seedtest_pipeline.settings import Settings


def prepare_dagster_home(settings: Settings) -> Path:
    """DAGSTER_HOME with the program's dagster.yaml in it; a deployment's own DAGSTER_HOME is left as it is.

    Raises:
        OperatorRequired: SEEDTEST_HOME cannot be made or written.
    """
    home = settings.dagster_home
    ours, theirs = PROGRAM_FILES / "dagster.yaml", home / "dagster.yaml"
    try:
        if home.is_relative_to(settings.home) and not (theirs.exists() and theirs.read_bytes() == ours.read_bytes()):
            private_folder.make(home)
            shutil.copyfile(ours, theirs)
    except OSError as error:
        raise OperatorRequired(
            f"{settings.home} cannot be used ({error.strerror}: {error.filename})",
            where=settings.home,
            remedy="set SEEDTEST_HOME to a folder that you may write.",
        ) from error
    logging.getLogger("alembic").setLevel(logging.WARNING)  # Dagster's storage announces its own migrations
    return home
