"""How long tests wait for what has to happen: for the event, with a limit that only a fault reaches.

A machine that does something else is several times slower than a quiet one; a limit that is met at once costs nothing.
"""

import time
from collections.abc import Callable

PATIENCE_S = 120.0


# For what costs the processor's time to ask: a web page, the files of a folder. Asked 50 times a second, Dagster's own
# pages took a core of their own, and what was waited for came later.
SELDOM_S = 0.5


def until(happens: Callable[[], object], within_s: float = PATIENCE_S, every_s: float = 0.01) -> None:
    """Returns once it is true; a test that waits in vain fails."""
    deadline = time.monotonic() + within_s
    while not happens():
        assert time.monotonic() < deadline, f"it did not happen within {within_s:g} s"
        time.sleep(every_s)
