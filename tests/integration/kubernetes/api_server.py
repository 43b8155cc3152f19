"""As much of Kubernetes' API as a launcher of Jobs asks for. It refuses Jobs that are not valid or break the policy,
and whatever the Role does not allow. A Job's pod is a process.
"""

import datetime as dt
import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kubernetes_validate
import yaml

from tests import pod_policy
from tests.integration.kubernetes.pods import Node, killed

_VERBS = {"POST": "create", "GET": "get", "DELETE": "delete"}


@dataclass
class Job:
    body: dict[str, Any]
    process: "subprocess.Popen[bytes]"

    def status(self) -> dict[str, Any]:
        code = self.process.poll()
        outcome = {"active": 1} if code is None else {"succeeded": 1} if code == 0 else {"failed": 1}
        return {"startTime": self.body["metadata"]["creationTimestamp"], **outcome}

    def pod(self) -> dict[str, Any]:
        template, code = self.body["spec"]["template"], self.process.poll()
        ended = {"terminated": {"exitCode": code, "reason": "OOMKilled" if code == -signal.SIGKILL else "Error"}}
        phase = "Running" if code is None else "Succeeded" if code == 0 else "Failed"
        (container,) = template["spec"]["containers"]
        state = {
            "name": container["name"], "image": container["image"], "imageID": "", "restartCount": 0,
            "ready": code is None, "state": {"running": {}} if code is None else ended,
        }  # fmt: skip
        return {**template, "status": {"phase": phase, "containerStatuses": [state]}}


@dataclass
class ApiServer:
    """`refused` has what was asked for and not done, and why."""

    node: Node
    rules: list[dict[str, Any]]
    jobs: dict[str, Job] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def allows(self, verb: str, resource: str) -> bool:
        return any(verb in rule["verbs"] and resource in rule["resources"] for rule in self.rules)

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        body = json.loads(self.node.outside(json.dumps(body)))
        kubernetes_validate.validate(body, "1.35", strict=True)
        pod = body["spec"]["template"]["spec"]
        if faults := list(pod_policy.faults(pod)):
            raise ValueError(f"violates PodSecurity: {faults}")
        name = body["metadata"]["name"]
        body["metadata"]["creationTimestamp"] = f"{dt.datetime.now(dt.UTC):%FT%TZ}"
        (container,) = pod["containers"]
        self.jobs[name] = Job(body, self.node.start(name, pod, container))
        return body

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        split = urlsplit(path)
        collection, name, part = ([*split.path.split("/namespaces/")[1].split("/")[1:], "", ""])[:3]
        verb = "list" if method == "GET" and not name else _VERBS[method]
        resource = f"{collection}/{part}" if part else collection
        if not self.allows(verb, resource):
            return 403, self._refusal(f"may not {verb} {resource}")
        if collection == "events":
            return 200, {"apiVersion": "v1", "kind": "EventList", "metadata": {}, "items": []}
        if collection == "pods":
            selectors = parse_qs(split.query)  # a Job's only pod has its name here
            ((selector,),) = [selectors[kind] for kind in ("labelSelector", "fieldSelector") if kind in selectors]
            pods = [job.pod() for key, job in self.jobs.items() if key == selector.partition("=")[2]]
            return 200, {"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": pods}
        if method == "POST":
            try:
                return 201, self.create(body)
            except (ValueError, kubernetes_validate.ValidationError) as fault:
                return 422, self._refusal(str(fault))
        if name not in self.jobs:
            return 404, self._refusal(f"no {collection} {name}")
        job = self.jobs[name]
        if method == "DELETE":
            killed(job.process, signal.SIGTERM)
        return 200, {**job.body, "status": job.status()}

    def _refusal(self, why: str) -> dict[str, Any]:
        self.refused.append(why)
        return {"apiVersion": "v1", "kind": "Status", "status": "Failure", "message": why}


@contextmanager
def serving(api: ApiServer) -> Iterator[Path]:
    """The kubeconfig that leads to it; at the end every pod is killed."""

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer = api.answer(self.command, self.path, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _handle  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        kubeconfig = api.node.folder / "kubeconfig"
        address = {"name": "fake", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
        context = {"name": "fake", "context": {"cluster": "fake", "user": "fake"}}
        kubeconfig.write_text(
            yaml.safe_dump({
                "apiVersion": "v1", "kind": "Config", "clusters": [address], "contexts": [context],
                "users": [{"name": "fake", "user": {}}], "current-context": "fake",
            })
        )  # fmt: skip
        try:
            yield kubeconfig
        finally:
            server.shutdown()
            for job in api.jobs.values():
                killed(job.process, signal.SIGKILL)
                job.process.wait()
