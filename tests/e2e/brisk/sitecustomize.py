"""Dagster looks for backfills every three seconds in a process that finds this on its path; by itself it does every
30, and no setting says so."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType


class _Brisk(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        assert module.DEFAULT_DAEMON_INTERVAL_SECONDS == 30
        module.DEFAULT_DAEMON_INTERVAL_SECONDS = 3  # type: ignore[attr-defined] # Dagster's own


class _Finder:
    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "dagster._daemon.controller":
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec and spec.origin:
            spec.loader = _Brisk(name, spec.origin)
        return spec


sys.meta_path.insert(0, _Finder())
