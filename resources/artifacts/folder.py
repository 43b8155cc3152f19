"""Artifacts in a folder of this machine."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from resources import atomic_file, private_folder
from resources.artifacts.store import checked_key, is_key
from resources.errors import ArtifactMissing


class FolderStore:
    """An ArtifactStore below `root`, made at the first write. A file's name says its type: no other is kept.

    A file on its way has a hidden name, which no key can be."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def put(self, key: str, content: bytes, content_type: str) -> str:
        path = self._path(key)
        if not self._holds(path, content):
            atomic_file.remove_abandoned(path)
            try:
                atomic_file.write(path, content, mode=0o600, durable=True)
            except FileNotFoundError:  # no folder yet, or another process has just deleted its last file
                private_folder.make(path.parent)
                atomic_file.write(path, content, mode=0o600, durable=True)
        return self.address(key)

    def read(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError as error:
            raise ArtifactMissing(f"There is no artifact {key} below {self.root}.", where=key) from error

    def tail(self, key: str, size: int) -> bytes:
        """Its last bytes, `size` at most. Raises ArtifactMissing."""
        try:
            with self._path(key).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - size))
                return file.read()
        except FileNotFoundError as error:
            raise ArtifactMissing(f"There is no artifact {key} below {self.root}.", where=key) from error

    def sha256(self, key: str) -> str | None:
        try:
            return hashlib.sha256(self._path(key).read_bytes()).hexdigest()
        except FileNotFoundError:
            return None

    def delete(self, key: str) -> None:
        """With the folders that are empty then: their names are learners' ids, and weeks would pile up."""
        path = self._path(key)
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty, or not there
            for folder in path.parents[: key.count("/")]:
                folder.rmdir()

    def keys(self, prefix: str) -> Iterator[str]:
        yield from self._below(f"{checked_key(prefix)}/" if prefix else "")

    def names(self, folder: str) -> Iterator[str]:
        """Of what lies directly in the folder, ascending."""
        yield from (name for name, _ in self._entries(checked_key(folder)))

    def address(self, key: str) -> str:
        return self._path(key).as_uri()

    def __str__(self) -> str:
        return str(self.root)

    def _entries(self, folder: str) -> list[tuple[str, bool]]:
        """Each name, and whether it is a folder's."""
        try:
            with os.scandir(self.root / folder) as found:
                return sorted((entry.name, entry.is_dir()) for entry in found if is_key(entry.name))
        except FileNotFoundError:
            return []

    def _below(self, folder: str) -> Iterator[str]:
        for name, is_folder in self._entries(folder):
            yield from self._below(f"{folder}{name}/") if is_folder else [folder + name]

    def _path(self, key: str) -> Path:
        return self.root / checked_key(key)

    @staticmethod
    def _holds(path: Path, content: bytes) -> bool:
        try:
            return path.stat().st_size == len(content) and path.read_bytes() == content
        except FileNotFoundError:
            return False
