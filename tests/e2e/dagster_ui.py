"""`seedtest ui`, Dagster's own web server and daemon, asked as its pages ask it."""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.conftest import Shell
from tests.waiting import PATIENCE_S, SELDOM_S, until

WEEKLY = ("responses", "theta_estimates", "weekly_reports")
_LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchPipelineExecution(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
_RUNS = "{ runsOrError { ... on Runs { results { runId status tags { key value } } } } }"


@dataclass(frozen=True)
class DagsterUi:
    process: subprocess.Popen[str]
    port: int

    def ask(self, query: str, **variables: object) -> Any:
        body = httpx.post(
            f"http://127.0.0.1:{self.port}/graphql", json={"query": query, "variables": variables}, timeout=PATIENCE_S
        ).json()
        assert "errors" not in body, body
        return body["data"]

    def launch(self, assets: Sequence[str], tags: Mapping[str, str], location: str = "seedtest") -> str:
        """The id of a run of these assets, as the pages launch it."""
        launched = self.ask(
            _LAUNCH,
            params={
                "selector": {
                    "repositoryLocationName": location,
                    "repositoryName": "__repository__",
                    "jobName": "__ASSET_JOB",
                    "assetSelection": [{"path": [asset]} for asset in assets],
                    "assetCheckSelection": [],
                },
                "mode": "default",
                "runConfigData": {},
                "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
            },
        )["launchPipelineExecution"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def status(self, run_id: str) -> str:
        return str(self.runs()[run_id]["status"])

    def runs(self) -> Mapping[str, Mapping[str, Any]]:
        """By id: status, and tags by key."""
        results = self.ask(_RUNS)["runsOrError"]["results"]
        return {run["runId"]: {**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in results}

    def ended(self, run_id: str) -> str:
        """The run's status, once it has its last one."""
        until(lambda: self.status(run_id) in ("SUCCESS", "FAILURE", "CANCELED"), every_s=SELDOM_S)
        return self.status(run_id)

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/server_info", timeout=PATIENCE_S).is_success
        except httpx.TransportError:
            return self.process.poll() is not None


@contextlib.contextmanager
def started(shell: Shell, log: Path) -> Iterator[DagsterUi]:
    """Answering, in a process of its own, which is killed at the block's end; its output goes to a file, since nobody
    reads a pipe while it runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with log.open("ab") as out, shell.start("ui", "--port", str(port), to=out) as process:
        try:
            ui = DagsterUi(process, port)
            until(ui.answers, every_s=SELDOM_S)
            assert process.poll() is None, log.read_text()
            yield ui
        finally:
            kill(processes_of(shell))


def processes_of(shell: Shell) -> dict[int, str]:
    """Command line by id of every process that was started under this shell's home, by the environment it inherited."""
    mark = f"SEEDTEST_HOME={shell.home}".encode()
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended at this moment, or is another user's
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
    return found


def kill(processes: Iterable[int]) -> None:
    """As a power cut does."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
