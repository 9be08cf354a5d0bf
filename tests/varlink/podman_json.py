"""What podman 5.4 answers, shortened where the gateway does not look."""

from __future__ import annotations

from typing import Any

CONTAINER_ID = "c0ffee" + "1" * 58
OTHER_ID = "decade" + "2" * 58
POD_ID = "facade" + "3" * 58
INFRA_ID = "1f4a" + "4" * 60
IMAGE_ID = "abcdef" + "5" * 58
CREATED = "2026-01-02T03:04:05.123456789Z"
STARTED = 1767323046

LISTED: dict[str, Any] = {
    "AutoRemove": False,
    "CIDFile": "",
    "Command": ["sleep", "1000"],
    "Created": CREATED,
    "CreatedAt": "",
    "ExitCode": 0,
    "Exited": False,
    "ExitedAt": -62135596800,
    "ExposedPorts": None,
    "Id": CONTAINER_ID,
    "Image": "docker.io/library/alpine:latest",
    "ImageID": IMAGE_ID,
    "IsInfra": False,
    "Labels": {"app": "web"},
    "Mounts": ["/data"],
    "Names": ["web"],
    "Namespaces": {
        "MNT": "4026532301",
        "Cgroup": "4026532305",
        "IPC": "4026532303",
        "NET": "4026532239",
        "PIDNS": "4026532304",
        "UTS": "4026532302",
        "User": "4026531837",
    },
    "Networks": ["podman"],
    "Pid": 4711,
    "Pod": "",
    "PodName": "",
    "Ports": [
        {"host_ip": "", "container_port": 80, "host_port": 8080, "range": 2, "protocol": "tcp"}
    ],
    "Restarts": 0,
    "Size": {"rootFsSize": 8000000, "rwSize": 42},
    "StartedAt": STARTED,
    "State": "running",
    "Status": "",
}
INSPECTED: dict[str, Any] = {
    "Id": CONTAINER_ID,
    "Name": "web",
    "Created": CREATED,
    "State": {"Status": "running", "Running": True, "Pid": 4711, "ExitCode": 0},
    "Config": {"Hostname": "c0ffee", "Tty": False, "Labels": {"app": "web"}},
    "Mounts": [
        {
            "Type": "bind",
            "Source": "/srv/data",
            "Destination": "/data",
            "Driver": "",
            "Mode": "",
            "Options": ["rbind"],
            "RW": True,
            "Propagation": "rprivate",
        }
    ],
    "StaticDir": f"/var/lib/containers/storage/overlay-containers/{CONTAINER_ID}/userdata",
    "OCIConfigPath": "",
}
STATS: dict[str, Any] = {
    "AvgCPU": 1.5,
    "ContainerID": CONTAINER_ID,
    "Name": "web",
    "PerCPU": None,
    "CPU": 1.5,
    "CPUNano": 3000000,
    "CPUSystemNano": 1000,
    "SystemNano": 1767323050000000000,
    "MemUsage": 4096,
    "MemLimit": 18446744073709551615,
    "MemPerc": 0.25,
    "Network": {
        "eth0": {"RxBytes": 10, "TxBytes": 20},
        "eth1": {"RxBytes": 1, "TxBytes": 2},
    },
    "BlockInput": 7,
    "BlockOutput": 8,
    "PIDs": 3,
    "UpTime": 5000000000,
    "Duration": 3000000,
}
IMAGE: dict[str, Any] = {
    "Id": IMAGE_ID,
    "ParentId": "",
    "RepoTags": ["docker.io/library/alpine:latest"],
    "RepoDigests": ["docker.io/library/alpine@sha256:" + "6" * 64],
    "Created": 1700000000,
    "Size": 8000000,
    "SharedSize": 0,
    "VirtualSize": 8000001,
    "Labels": {"a": "b"},
    "Containers": 1,
    "Arch": "amd64",
    "Digest": "sha256:" + "6" * 64,
    "Names": ["docker.io/library/alpine:latest"],
    "Os": "linux",
}
IMAGE_INSPECTED: dict[str, Any] = {
    "Id": IMAGE_ID,
    "Digest": "sha256:" + "6" * 64,
    "RepoTags": ["docker.io/library/alpine:latest"],
    "RepoDigests": [],
    "Parent": "",
    "Created": "2023-11-14T22:13:20.5Z",
    "Config": {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]},
    "Size": 8000000,
    "VirtualSize": 8000000,
    "Labels": None,
}
HISTORY: list[dict[str, Any]] = [
    {
        "Id": IMAGE_ID,
        "Created": 1700000000,
        "CreatedBy": '/bin/sh -c #(nop)  CMD ["/bin/sh"]',
        "Tags": ["docker.io/library/alpine:latest"],
        "Size": 0,
        "Comment": "",
    },
    {
        "Id": "<missing>",
        "Created": 1699999999,
        "CreatedBy": "/bin/sh -c #(nop) ADD file",
        "Tags": None,
        "Size": 8000000,
        "Comment": "base",
    },
]
FOUND: list[dict[str, Any]] = [
    {
        "Index": "docker.io",
        "Name": "docker.io/library/alpine",
        "Description": "A minimal image",
        "Stars": 9000,
        "Official": "[OK]",
        "Automated": "",
        "Tag": "",
    }
]
POD: dict[str, Any] = {
    "Cgroup": "machine.slice",
    "Containers": [
        {"Id": INFRA_ID, "Names": "facade-infra", "Status": "running", "RestartCount": 0},
        {"Id": CONTAINER_ID, "Names": "web", "Status": "created", "RestartCount": 0},
    ],
    "Created": "2026-01-02T03:04:05.1Z",
    "Id": POD_ID,
    "InfraId": INFRA_ID,
    "Name": "pod1",
    "Namespace": "",
    "Networks": ["podman"],
    "Status": "Degraded",
    "Labels": {"a": "b"},
}
POD_INSPECTED: dict[str, Any] = {
    "Id": POD_ID,
    "Name": "pod1",
    "Created": "2026-01-02T03:04:05.1Z",
    "State": "Running",
    "Hostname": "pod1",
    "Labels": {"a": "b"},
    "CreateCgroup": True,
    "CgroupParent": "machine.slice",
    "CgroupPath": "machine.slice/machine-libpod_pod.slice",
    "CreateInfra": True,
    "InfraContainerID": INFRA_ID,
    "InfraConfig": {
        "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}], "53/udp": None},
        "HostNetwork": False,
    },
    "SharedNamespaces": ["ipc", "net", "uts"],
    "NumContainers": 2,
    "Containers": [
        {"Id": INFRA_ID, "Name": "facade-infra", "State": "running"},
        {"Id": CONTAINER_ID, "Name": "web", "State": "created"},
    ],
    "LockNumber": 7,
}
VOLUME: dict[str, Any] = {
    "Name": "data",
    "Driver": "local",
    "Mountpoint": "/var/lib/containers/storage/volumes/data/_data",
    "CreatedAt": CREATED,
    "Labels": {"a": "b"},
    "Scope": "local",
    "Options": {},
    "MountCount": 0,
    "NeedsCopyUp": True,
    "LockNumber": 1,
}
EVENT: dict[str, Any] = {
    "Type": "container",
    "Action": "start",
    "Actor": {
        "ID": CONTAINER_ID,
        "Attributes": {"image": "docker.io/library/alpine:latest", "name": "web"},
    },
    "scope": "local",
    "status": "start",
    "id": CONTAINER_ID,
    "time": 1700000000,
    "timeNano": 1700000000123456789,
}
VERSION: dict[str, Any] = {
    "Platform": {"Name": "linux/amd64/debian-13"},
    "Components": [],
    "Version": "5.4.2",
    "ApiVersion": "1.41",
    "MinAPIVersion": "1.24",
    "GitCommit": "abc",
    "GoVersion": "go1.24.4",
    "Os": "linux",
    "Arch": "amd64",
    "KernelVersion": "6.12.0",
    "BuildTime": "2025-04-02T00:00:00Z",
}
INFO: dict[str, Any] = {
    "host": {
        "arch": "amd64",
        "buildahVersion": "1.39.3",
        "cpus": 2,
        "distribution": {"codename": "trixie", "distribution": "debian", "version": "13"},
        "eventLogger": "journald",
        "hostname": "b2p",
        "kernel": "6.12.0",
        "memFree": 1000,
        "memTotal": 2000,
        "os": "linux",
        "swapFree": 0,
        "swapTotal": 0,
        "uptime": "0h 5m 2.00s",
    },
    "store": {
        "containerStore": {"number": 3, "paused": 0, "running": 1, "stopped": 2},
        "graphDriverName": "overlay",
        "graphOptions": {"overlay.mountopt": "nodev", "overlay.a": "b"},
        "graphRoot": "/var/lib/containers/storage",
        "graphStatus": {
            "Backing Filesystem": "extfs",
            "Native Overlay Diff": "true",
            "Supports d_type": "true",
        },
        "imageStore": {"number": 4},
        "runRoot": "/run/containers/storage",
    },
    "registries": {
        "search": ["docker.io"],
        "localhost:5000": {
            "Prefix": "localhost:5000",
            "Location": "localhost:5000",
            "Insecure": True,
        },
        "quay.io": {"Prefix": "quay.io", "Location": "quay.io", "Insecure": False},
    },
    "plugins": {},
    "version": {
        "APIVersion": "5.4.2",
        "Version": "5.4.2",
        "GoVersion": "go1.24.4",
        "GitCommit": "abc",
        "BuiltTime": "Wed Apr  2 00:00:00 2025",
        "OsArch": "linux/amd64",
        "Os": "linux",
    },
}
