"""The R service with `mirt_stub` in mirt's place, and the answers that tests send it to calibrate."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from resources.estimators.r_service.process import running
from resources.irt.response_matrix import ResponseMatrix
from tests.waiting import PATIENCE_S, until

N_USERS, N_ITEMS = 200, 6


@dataclass(frozen=True)
class Stubbed:
    """A service at `url`; the stub keeps its files in `folder`, R its temporary ones in `temporary`."""

    url: str
    folder: Path
    temporary: Path
    log: Path

    def calibrate(self, model: str = "2PL", rows: str | None = None) -> httpx.Response:
        return post(self.url, body(model, rows or exam()))

    def mirt_does(self, r: str) -> None:
        """R code that the stub runs at its next calls, after it has noted them."""
        (self.folder / "mirt.R").write_text(r)

    def called(self) -> dict[str, Any]:
        return json.loads((self.folder / "called.json").read_text())  # type: ignore[no-any-return] # of the stub

    def child(self) -> int:
        """The process id of the calibration, once it has come to mirt."""
        until(lambda: (self.folder / "called.json").exists() and (self.folder / "called.json").read_text())
        return int(self.called()["pid"])

    def left_behind(self) -> list[Path]:
        return list(self.temporary.rglob("calibration-*"))


def post(url: str, content: bytes, **headers: str) -> httpx.Response:
    headers["Connection"] = "close"
    return httpx.post(f"{url}/irt/calibrate", content=content, headers=headers, timeout=PATIENCE_S)


def body(model: str, rows: str) -> bytes:
    return f'{{"model": "{model}"}}\nuser,item,correct\n{rows}'.encode()


def answers() -> ResponseMatrix:
    """Complete: every learner to every item."""
    random = np.random.default_rng(20261126)
    theta, b = random.standard_normal(N_USERS), np.linspace(-1, 1, N_ITEMS)
    correct = random.random((N_USERS, N_ITEMS)) < 1 / (1 + np.exp(-1.5 * (theta[:, None] - b)))
    user, item = np.divmod(np.arange(N_USERS * N_ITEMS), N_ITEMS)
    return ResponseMatrix(user, item, correct.astype(np.int64).ravel(), N_USERS, N_ITEMS)


def exam() -> str:
    made = answers()
    return "".join(f"u{u},i{j},{x}\n" for u, j, x in zip(made.user, made.item, made.correct, strict=True))


@contextmanager
def stubbed(library: Path, folder: Path, **environment: str) -> Iterator[Stubbed]:
    temporary = folder / "temporary"
    temporary.mkdir()
    with ExitStack() as service:
        with pytest.MonkeyPatch.context() as patch:
            environment |= {"R_LIBS": str(library), "MIRT_STUB": str(folder), "TMPDIR": str(temporary)}
            for name, value in environment.items():
                patch.setenv(name, value)
            url = service.enter_context(running(log=folder / "log"))
        yield Stubbed(url, folder, temporary, folder / "log")
