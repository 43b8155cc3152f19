"""What a report's bytes depend on besides its template and its learner: this code, and the libraries that write."""

import importlib.metadata
from functools import cache

# Raise it with every change of code that shows in a report: all reports are then made again. A test tells when.
REPORT_VERSION = 6
_LIBRARIES = ("babel", "jinja2", "typst")


@cache
def recipe() -> str:
    """The version of the reports' code and of each library that shapes their bytes."""
    versions = (f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES)
    return "; ".join((f"reports {REPORT_VERSION}", *versions))
