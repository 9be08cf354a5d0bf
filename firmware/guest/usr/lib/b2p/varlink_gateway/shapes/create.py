"""CreateContainer: the wishes of 2020 as podman 5's container specification."""

from __future__ import annotations

import json
import signal

from .mounts import storage
from .publish import port_mappings
from .resources import resources
from .words import nanoseconds, pairs, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

PLAIN = {
    "name": "name",
    "pod": "pod",
    "tty": "terminal",
    "interactive": "stdin",
    "rm": "remove",
    "privileged": "privileged",
    "user": "user",
    "hostname": "hostname",
    "workDir": "work_dir",
    "capAdd": "cap_add",
    "capDrop": "cap_drop",
    "cgroupParent": "cgroup_parent",
    "dnsSearch": "dns_search",
    "dnsOpt": "dns_option",
    "addHost": "hostadd",
    "groupadd": "groups",
    "init": "init",
    "noHosts": "use_image_hosts",
    "oomScoreAdj": "oom_score_adj",
    "publishAll": "publish_image_ports",
    "readonly": "read_only_filesystem",
    "readonlytmpfs": "read_write_tmpfs",
    "stopTimeout": "stop_timeout",
    "systemd": "systemd",
    "overrideArch": "image_arch",
    "overrideOS": "image_os",
}
MAPS = {
    "label": "labels",
    "annotation": "annotations",
    "sysctl": "sysctl",
    "storageOpt": "storage_opts",
}
NAMESPACES = {"pid": "pidns", "ipc": "ipcns", "uts": "utsns", "userns": "userns"}
MODES = (
    "host",
    "none",
    "private",
    "pod",
    "shareable",
    "slirp4netns",
    "pasta",
    "keep-id",
    "auto",
    "nomap",
)
REFUSED = ("envFile", "labelFile", "cidFile", "conmonPidfile", "initPath")
IMAGE_VOLUMES = {"bind": "anonymous", "tmpfs": "tmpfs", "ignore": "ignore"}


def specification(create: Json) -> Json:
    """The body that makes the container; ValueError for a wish that cannot be read."""
    if not create["args"]:
        raise ValueError("'args' is empty: it is the image, followed by the command's words")
    for name in REFUSED:
        if create[name]:
            raise ValueError(f"{name!r} names files of the machine; give their content instead")
    spec: Json = {new: create[old] for old, new in PLAIN.items()}
    spec |= {new: pairs(create[old]) for old, new in MAPS.items()}
    spec |= {
        "rootfs" if create["rootfs"] else "image": create["args"][0],
        "command": create["args"][1:],
    }
    spec |= storage(create) | resources(create) | process(create) | network(create)
    spec |= security(create) | identities(create)
    for old, new in NAMESPACES.items():
        if create[old]:
            spec[new] = namespace(create[old])
    return {name: value for name, value in spec.items() if not _unset(value)}


def _unset(value: Any) -> bool:
    """True for what podman chooses by itself; the number 0 is a choice."""
    return value is None or value is False or value in ("", [], {})


def process(create: Json) -> Json:
    """How the container's process runs, ends, logs and is checked."""
    restart, _, tries = (create["restart"] or "").partition(":")
    spec: Json = {
        "env": environment(create["env"]),
        "entrypoint": words(create["entrypoint"]),
        "stop_signal": signal_number(create["stopSignal"]),
        "restart_policy": restart,
        "restart_tries": int(tries) if tries else None,
        "healthconfig": health(create),
        "log_configuration": log(create),
        "devices": [{"path": path} for path in create["device"] or ()],
        "image_volume_mode": IMAGE_VOLUMES.get(create["imageVolume"] or ""),
        "shm_size": size(create["shmSize"]) if create["shmSize"] else None,
    }
    return spec


def environment(variables: list[str] | None) -> dict[str, str]:
    """K=V words; a bare K meant the server's own environment, so the image's stays."""
    return pairs([word for word in variables or () if "=" in word])


def words(text: str | None) -> list[str]:
    """An entrypoint: a JSON list of words, or a single word."""
    if not text or not text.startswith("["):
        return [text] if text else []
    told = json.loads(text)
    return [str(word) for word in told]


def signal_number(name: str | None) -> int | None:
    """A signal by number or name, with or without SIG."""
    if not name:
        return None
    if name.isdigit():
        return int(name)
    full = name.upper() if name.upper().startswith("SIG") else f"SIG{name.upper()}"
    try:
        return int(signal.Signals[full])
    except KeyError:
        raise ValueError(f"{name!r} is no signal") from None


def health(create: Json) -> Json:
    """The health check, for which durations are nanoseconds today."""
    command = create["healthcheckCommand"]
    if not command:
        return {}
    if command == "none":
        return {"Test": ["NONE"]}
    test = ["CMD", *words(command)] if command.startswith("[") else ["CMD-SHELL", command]
    checked: Json = {
        "Test": test,
        "Interval": nanoseconds(create["healthcheckInterval"] or "30s"),
        "Timeout": nanoseconds(create["healthcheckTimeout"] or "30s"),
        "Retries": create["healthcheckRetries"] or 3,
    }
    if create["healthcheckStartPeriod"]:
        checked["StartPeriod"] = nanoseconds(create["healthcheckStartPeriod"])
    return checked


def log(create: Json) -> Json:
    """The log driver and its options; two of them have fields of their own."""
    options = pairs(create["logOpt"])
    told: Json = {"driver": create["logDriver"], "path": options.pop("path", "")}
    if "max-size" in options:
        told["size"] = size(options.pop("max-size"))
    told["options"] = options
    return {name: value for name, value in told.items() if value}


def network(create: Json) -> Json:
    """Ports, names and the network namespace. A pod's members share its network."""
    spec: Json = {
        "portmappings": port_mappings(create["publish"]),
        "dns_server": [*(create["dns"] or ()), *(create["dnsServers"] or ())],
        "expose": exposed(create["expose"]),
    }
    wish = create["network"] or ""
    if create["pod"] and wish in ("", "bridge"):
        return spec
    settings: Json = {}
    if create["ip"]:
        settings["static_ips"] = [create["ip"]]
    if create["macAddress"]:
        settings["static_mac"] = create["macAddress"]
    if wish in ("", "bridge", "default"):
        if wish or settings:
            spec["netns"] = {"nsmode": "bridge"}
        spec["Networks"] = {"podman": settings} if settings else {}
    elif wish in MODES or ":" in wish:
        spec["netns"] = namespace(wish)
    else:
        spec["netns"] = {"nsmode": "bridge"}
        spec["Networks"] = dict.fromkeys(wish.split(","), settings)
    return spec


def exposed(ports: list[str] | None) -> dict[str, str]:
    """PORT[/PROTOCOL] words."""
    parted = (port.partition("/") for port in ports or ())
    return {port: protocol or "tcp" for port, _, protocol in parted}


def namespace(wish: str) -> Json:
    """MODE, container:NAME or ns:PATH."""
    mode, _, value = wish.partition(":")
    if mode in ("ns", "path"):
        return {"nsmode": "path", "value": value}
    told = {"nsmode": "from-pod" if mode == "pod" else mode}
    return {**told, "value": value} if value else told


def security(create: Json) -> Json:
    """The securityOpt words; those podman 5 has no field for are refused."""
    spec: Json = {"selinux_opts": []}
    for option in create["securityOpt"] or ():
        name, _, value = option.partition("=" if "=" in option else ":")
        if name == "label":
            spec["selinux_opts"].append(value)
        elif name == "apparmor":
            spec["apparmor_profile"] = value
        elif name == "seccomp":
            spec["seccomp_profile_path"] = value
        elif name == "no-new-privileges":
            spec["no_new_privileges"] = value != "false"
        else:
            raise ValueError(f"securityOpt {option!r} is not known")
    return spec


def identities(create: Json) -> Json:
    """Maps of user and group ids, CONTAINER:HOST:COUNT; they make a user namespace."""
    users = [id_range(text) for text in create["uidmap"] or ()]
    groups = [id_range(text) for text in create["gidmap"] or ()] or users
    if not users and not groups:
        return {}
    maps = {"UIDMap": users or groups, "GIDMap": groups}
    return {"idmappings": maps, "userns": {"nsmode": "private"}}


def id_range(text: str) -> Json:
    """One such map."""
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        raise ValueError(f"{text!r} is no map of ids")
    return dict(zip(("container_id", "host_id", "size"), map(int, parts), strict=True))
