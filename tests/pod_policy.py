"""What every pod of ours keeps to: Kubernetes' restricted Pod Security Standard, and limits."""

from collections.abc import Iterator, Mapping
from typing import Any


def pod_of(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The pod's spec of a Deployment or Job."""
    spec = document.get("spec") or {}
    return spec["template"]["spec"] if "template" in spec else None


def containers(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*(pod.get("initContainers") or ()), *pod["containers"]]


def faults(pod: Mapping[str, Any]) -> Iterator[str]:
    """What of the pod breaks the policy; nothing where it keeps to it. In the words of the Kubernetes API."""
    security = pod.get("securityContext") or {}
    if not security.get("runAsNonRoot") or not security.get("runAsUser"):
        yield "it may run as root"
    if (security.get("seccompProfile") or {}).get("type") != "RuntimeDefault":
        yield "no seccomp profile"
    if any(pod.get(shared) for shared in ("hostNetwork", "hostPID", "hostIPC")):
        yield "it shares its host's"
    for volume in pod.get("volumes") or ():
        if not {"emptyDir", "configMap", "secret", "projected"} & volume.keys():
            yield f"volume {volume['name']}"
    for container in containers(pod):
        yield from (f"{container['name']}: {fault}" for fault in _faults_of(container))


def _faults_of(container: Mapping[str, Any]) -> Iterator[str]:
    security = container.get("securityContext") or {}
    if security.get("privileged") or security.get("allowPrivilegeEscalation") is not False:
        yield "it may gain privileges"
    if security.get("capabilities") != {"drop": ["ALL"]}:
        yield "capabilities"
    if security.get("readOnlyRootFilesystem") is not True:
        yield "its image's files may be written"
    for kind in ("requests", "limits"):
        if not {"cpu", "memory", "ephemeral-storage"} <= (container.get("resources") or {}).get(kind, {}).keys():
            yield f"no {kind}"
    _, _, name = container["image"].rpartition("/")
    tag = name.partition(":")[2]
    if not tag or tag == "latest":
        yield f"image {container['image']}"
