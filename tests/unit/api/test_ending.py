"""The last resort of an end that does not come."""

import subprocess
import sys

_STUCK = """
import threading
from seedtest_pipeline.api import ending
ending.at_the_latest(0.01)
threading.Event().wait()
"""


def test_what_does_not_end_is_ended():
    ended = subprocess.run([sys.executable, "-c", _STUCK], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (1, "Something does not end: the process does, by force.\n")
