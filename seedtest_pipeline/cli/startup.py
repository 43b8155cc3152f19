"""What a command does first: read the settings, close SEEDTEST_HOME to others, prepare what Dagster reads, and wire the
parts.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seedtest_pipeline.wiring import Parts


def parts() -> "Parts":
    """The parts of this machine's settings; each is made when the command first asks for it.

    Raises:
        InvalidInput: a setting is unreadable.
        OperatorRequired: SEEDTEST_HOME cannot be made or written.
    """
    from resources import private_folder
    from seedtest_pipeline.dagster_home import prepare_dagster_home
    from seedtest_pipeline.settings import Settings, prepare_process
    from seedtest_pipeline.wiring import Parts

    settings = Settings.load()
    private_folder.close(settings.home)
    prepare_process()
    prepare_dagster_home(settings)
    return Parts(settings)
