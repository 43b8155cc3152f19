"""Stores that fail in one way, in a module that other processes can import."""

import os
import signal
from pathlib import Path

from resources.artifacts.folder import FolderStore
from resources.errors import RetryLater


class FullFor(FolderStore):
    """Takes every file but those of one learner."""

    def __init__(self, root: Path, user_id: str) -> None:
        super().__init__(root)
        self._user_id = user_id

    def put(self, key: str, content: bytes, content_type: str) -> str:
        if f"/{self._user_id}/" in key:
            self.refuse()
        return super().put(key, content, content_type)

    def refuse(self) -> None:
        raise OSError("no space left")


class KillsFor(FullFor):
    """Has the process killed that brings the file of one learner."""

    def refuse(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class DownFor(FullFor):
    """Does not answer from the file of one learner on."""

    def refuse(self) -> None:
        raise RetryLater("The store does not answer.", where="the store", remedy="try again.")


class NotesProcesses(FolderStore):
    """Leaves a file named by the process that brings a report."""

    def put(self, key: str, content: bytes, content_type: str) -> str:
        (self.root.parent / f"by-{os.getpid()}").touch()
        return super().put(key, content, content_type)
