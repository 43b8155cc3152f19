"""Pods as processes of this machine: their environment and folders are what the manifest says, and nothing else. Where
bubblewrap works they are what the policy makes of them: not root, without privileges, and /data is all they may write.

A mount at /data is the folder data below the pod's own, and wherever the manifest names /data, the process is told that
folder; the way back is taken where a process tells others.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

PROGRAMS = Path(sys.executable).parent  # what the image has on its PATH


@dataclass(frozen=True)
class Node:
    """The machine that pods run on; `config_maps` and `secrets` by name, as text by key."""

    folder: Path
    config_maps: dict[str, dict[str, str]] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)

    def start(self, name: str, spec: Mapping[str, Any], container: Mapping[str, Any]) -> "subprocess.Popen[bytes]":
        """The container's process, in a group of its own; its output is in the pod's file `log`."""
        pod = self.folder / name
        paths = [mount["mountPath"] for mount in container["volumeMounts"]]
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        for mount in container["volumeMounts"]:
            self._mount(pod, volumes[mount["name"]], mount)
        environment = self._environment(container)
        environment = {key: self._inside(value, pod, paths) for key, value in environment.items()}
        arguments = [self._inside(argument, pod, paths) for argument in container["args"]]
        with (pod / "log").open("ab") as log:
            return subprocess.Popen(
                [*_locked_up(pod / "data"), PROGRAMS / arguments[0], *arguments[1:]],
                env={"PATH": f"{PROGRAMS}:/usr/bin:/bin", **environment}, cwd=pod / "data", stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def outside(self, text: str) -> str:
        """As it is called in any pod."""
        return re.sub(re.escape(str(self.folder)) + r"/[^/]+", "", text)

    def _inside(self, text: str, pod: Path, paths: list[str]) -> str:
        named = "|".join(rf"(?<![\w/.-]){re.escape(path)}(?=/|\b)" for path in paths)
        return re.sub(named, lambda at: f"{pod}{at[0]}", text)

    def _mount(self, pod: Path, volume: Mapping[str, Any], mount: Mapping[str, Any]) -> None:
        at = Path(f"{pod}{mount['mountPath']}")
        at.mkdir(parents=True, exist_ok=True)
        if "configMap" in volume:
            for key, value in self.config_maps[volume["configMap"]["name"]].items():
                (at / key).write_text(value)

    def _environment(self, container: Mapping[str, Any]) -> dict[str, str]:
        environment: dict[str, str] = {}
        for source in container.get("envFrom") or ():
            if "configMapRef" in source:
                environment |= self.config_maps[source["configMapRef"]["name"]]
            else:
                environment |= self.secrets[source["secretRef"]["name"]]
        for variable in container.get("env") or ():
            environment[variable["name"]] = variable["value"]
        return environment


def _locked_up(*writable: Path) -> list[str]:
    """What comes before a command to lock it up; nothing where bubblewrap does not work."""
    locked = [
        "bwrap",
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--unshare-user",
        "--uid",
        "10001",
        "--gid",
        "10001",
        "--cap-drop",
        "ALL",
    ]
    folders = [argument for path in writable for argument in ("--bind", str(path), str(path))]
    return [*locked, *folders, "--"] if _bubblewrap_works() else []


@cache
def _bubblewrap_works() -> bool:
    tried = ["bwrap", "--ro-bind", "/", "/", "--unshare-user", "--uid", "10001", "true"]
    return bool(shutil.which("bwrap")) and subprocess.run(tried, capture_output=True, check=False).returncode == 0


def killed(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    """The process and its children, unless they have ended."""
    if process.poll() is None:
        os.killpg(process.pid, number)
