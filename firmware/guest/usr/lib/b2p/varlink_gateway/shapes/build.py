"""BuildImage: what is built and how, as the query of podman's build."""

from __future__ import annotations

import json
import posixpath

from .words import pairs, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

REMOTE = ("http://", "https://", "git://", "github.com/")
PULL_POLICIES = {"PullAlways": "always", "PullIfMissing": "missing", "PullNever": "never"}
FORMATS = {
    "oci": "application/vnd.oci.image.manifest.v1+json",
    "docker": "application/vnd.docker.distribution.manifest.v2+json",
}


def query(build: Json) -> Json:
    """The parameters of a build; whatever is empty is podman's to choose."""
    options = build["buildOptions"]
    told: Json = {
        "dockerfile": json.dumps(dockerfiles(build["dockerfiles"])),
        "t": [name for name in (build["output"], *build["additionalTags"]) if name],
        "buildargs": json.dumps(build["buildArgs"]) if build["buildArgs"] else None,
        "labels": json.dumps(pairs(build["label"])) if build["label"] else None,
        "annotations": json.dumps(build["annotations"]) if build["annotations"] else None,
        "addcaps": json.dumps(build["addCapabilities"]) if build["addCapabilities"] else None,
        "dropcaps": json.dumps(build["dropCapabilities"]) if build["dropCapabilities"] else None,
        "devices": json.dumps(build["devices"]) if build["devices"] else None,
        "outputformat": FORMATS.get(build["outputFormat"], build["outputFormat"]) or None,
        "pullpolicy": PULL_POLICIES.get(build["pullPolicy"], build["pullPolicy"]) or None,
        "target": build["target"] or None,
        "platform": platform(build),
        "forcerm": build["forceRmIntermediateCtrs"] or None,
        "layers": build["layers"],
        "nocache": build["nocache"] or None,
        "squash": build["squash"] or None,
        "q": build["quiet"] or None,
        **limits(options),
    }
    return told


def limits(options: Json) -> Json:
    """The limits of a build's containers."""
    return {
        "extrahosts": json.dumps(options["addHosts"]) if options["addHosts"] else None,
        "cgroupparent": options["cgroupParent"] or None,
        "cpuperiod": options["cpuPeriod"] or None,
        "cpuquota": options["cpuQuota"] or None,
        "cpushares": options["cpuShares"] or None,
        "cpusetcpus": options["cpusetCpus"] or None,
        "cpusetmems": options["cpusetMems"] or None,
        "memory": options["memory"] or None,
        "memswap": options["memorySwap"] or None,
        "shmsize": size(options["shmSize"]) if options["shmSize"] else None,
        "ulimits": json.dumps(options["ulimit"]) if options["ulimit"] else None,
        "volume": options["volume"] or None,
    }


def dockerfiles(paths: list[str]) -> list[str]:
    """A path of the caller's computer is the name inside the tar that it sent."""
    names = [path if path.startswith(REMOTE) else posixpath.basename(path) for path in paths]
    return [name for name in names if name] or ["Dockerfile"]


def platform(build: Json) -> str | None:
    """OS/ARCHITECTURE, where either is asked for."""
    if not build["os"] and not build["architecture"]:
        return None
    return f"{build['os'] or 'linux'}/{build['architecture'] or 'amd64'}"
