"""A call of each method of io.podman, in an order in which one prepares the next.

"$Method.field" stands for what an earlier call answered. All that is made is named b2p-table.
"""

from __future__ import annotations

from typing import Any

Parameters = dict[str, Any]

NAME = "b2p-table"
OTHER = "b2p-table-other"
IMAGE = "localhost/b2p-table:latest"
NOWHERE = "localhost:1/b2p-table"
"""A registry that refuses at once, whatever the network is like."""
HEARING = ["sh", "-c", "read word; echo heard $word; exit 4"]
TOUCHING = ["sh", "-c", "touch /touched; sleep 1; exit 3"]
LASTING = ["sh", "-c", "echo hello; exec sleep 1000"]


def create(name: str, *command: str, **more: Any) -> Parameters:
    return {"create": {"args": [IMAGE, *command], "name": name, **more}}


SYSTEM: list[tuple[str, Parameters]] = [
    ("GetVersion", {}),
    ("GetInfo", {}),
    ("Reset", {}),
]
VOLUMES: list[tuple[str, Parameters]] = [
    ("VolumeCreate", {"options": {"volumeName": NAME, "labels": {"made": "by a table"}}}),
    ("GetVolumes", {"args": [NAME]}),
    ("InspectVolume", {"name": NAME}),
    ("VolumeRemove", {"options": {"volumes": [NAME, OTHER]}}),
]
IMAGES: list[tuple[str, Parameters]] = [
    ("ImportImage", {"source": "$SendFile.file_handle", "reference": IMAGE, "delete": True}),
    ("ListImages", {}),
    ("ListImagesWithFilters", {"filters": [f"reference={IMAGE}"]}),
    ("GetImage", {"id": IMAGE}),
    ("InspectImage", {"name": IMAGE}),
    ("HistoryImage", {"name": IMAGE}),
    ("ImageExists", {"name": IMAGE}),
    ("ImageTree", {"name": IMAGE}),
    ("TagImage", {"name": IMAGE, "tagged": "localhost/b2p-table:second"}),
    ("UntagImage", {"name": IMAGE, "tag": "localhost/b2p-table:second"}),
    ("BuildImageHierarchyMap", {"name": IMAGE}),
    ("GetLayersMapWithImageInfo", {}),
    ("SearchImages", {"query": NOWHERE}),
    ("PushImage", {"name": IMAGE, "tag": f"docker://{NOWHERE}"}),
    ("BuildImage", {"build": {"contextDir": "$context", "output": "localhost/b2p-table:built"}}),
    ("RemoveImage", {"name": "localhost/b2p-table:built"}),
    ("ImageSave", {"options": {"name": IMAGE, "format": "docker-archive"}}),
    ("LoadImage", {"inputFile": "$ImageSave.reply.id"}),
    ("PullImage", {"name": "docker-archive:$ImageSave.reply.id"}),
    ("ExportImage", {"name": IMAGE, "destination": "oci-archive:b2p-table/image.tar"}),
    ("ReceiveFile", {"path": "b2p-table/image.tar", "delete": True}),
    ("ContainerRunlabel", {"runlabel": {"image": IMAGE, "label": "run"}}),
]
CONTAINERS: list[tuple[str, Parameters]] = [
    ("CreateContainer", create(NAME, *LASTING, healthcheckCommand="true")),
    ("ContainerExists", {"name": NAME}),
    ("InitContainer", {"name": NAME}),
    ("Spec", {"name": NAME}),
    ("GetAttachSockets", {"name": NAME}),
    ("StartContainer", {"name": NAME}),
    ("ListContainers", {}),
    ("Ps", {"opts": {"all": True}}),
    ("GetContainersByStatus", {"status": ["running"]}),
    ("GetContainersByContext", {"args": [NAME]}),
    ("GetContainer", {"id": NAME}),
    ("InspectContainer", {"name": NAME}),
    ("ContainerInspectData", {"name": NAME}),
    ("ContainerStateData", {"name": NAME}),
    ("ContainerConfig", {"name": NAME}),
    ("ContainerArtifacts", {"name": NAME, "artifactName": "create-config"}),
    ("Top", {"nameOrID": NAME, "descriptors": ["pid", "comm"]}),
    ("ListContainerProcesses", {"name": NAME}),
    ("HealthCheckRun", {"nameOrID": NAME}),
    # podman 5.4 may say "connection reset by peer" of a command that ends before it is attached to.
    ("ExecContainer", {"opts": {"name": NAME, "cmd": TOUCHING}}),
    ("ListContainerChanges", {"name": NAME}),
    ("Diff", {"name": NAME}),
    ("GetContainerLogs", {"name": NAME}),
    ("GetContainersLogs", {"names": [NAME]}),
    ("GetContainerStats", {"name": NAME}),
    ("GetContainerStatsWithHistory", {"previousStats": "$GetContainerStats.container"}),
    ("ListContainerMounts", {}),
    ("MountContainer", {"name": NAME}),
    ("UnmountContainer", {"name": NAME}),
    ("PauseContainer", {"name": NAME}),
    ("UnpauseContainer", {"name": NAME}),
    ("ExportContainer", {"name": NAME, "path": "b2p-table/container.tar"}),
    ("Commit", {"name": NAME, "image_name": "localhost/b2p-table:committed"}),
    ("RemoveImageWithResponse", {"name": "localhost/b2p-table:committed"}),
    ("GenerateKube", {"name": NAME}),
    ("AttachControl", {"name": NAME}),
    ("ContainerCheckpoint", {"name": NAME}),
    ("ContainerRestore", {"name": NAME}),
    ("RestartContainer", {"name": NAME, "timeout": 0}),
    ("StopContainer", {"name": NAME, "timeout": 0}),
    ("KillContainer", {"name": NAME, "signal": 9}),
    ("WaitContainer", {"name": NAME}),
    ("Attach", {"name": f"{NAME}-attached", "start": True}),
    ("RemoveContainer", {"name": NAME, "force": True}),
    ("EvictContainer", {"name": OTHER}),
    ("GetEvents", {"filter": [f"container={NAME}"]}),
    ("CreateFromCC", {"in": [IMAGE]}),
]
PODS: list[tuple[str, Parameters]] = [
    ("CreatePod", {"create": {"name": NAME}}),
    ("ListPods", {}),
    ("GetPod", {"name": NAME}),
    ("InspectPod", {"name": NAME}),
    ("PodStateData", {"name": NAME}),
    ("GetPodsByContext", {"args": [NAME]}),
    ("StartPod", {"name": NAME}),
    ("GetPodsByStatus", {"statuses": ["Running"]}),
    ("TopPod", {"pod": NAME}),
    ("GetPodStats", {"name": NAME}),
    ("PausePod", {"name": NAME}),
    ("UnpausePod", {"name": NAME}),
    ("RestartPod", {"name": NAME}),
    ("KillPod", {"name": NAME, "signal": 9}),
    ("StopPod", {"name": NAME}),
    ("RemovePod", {"name": NAME, "force": True}),
]
ERASING: list[tuple[str, Parameters]] = [
    ("DeleteStoppedContainers", {}),
    ("VolumesPrune", {}),
    ("ImagesPrune", {"all": False}),
    ("DeleteUnusedImages", {}),
]
"""They remove whatever nobody uses, not only what is ours."""

BEFORE: dict[str, list[tuple[str, Parameters]]] = {
    "Attach": [("CreateContainer", create(f"{NAME}-attached", *HEARING, interactive=True))],
    "EvictContainer": [("CreateContainer", create(OTHER, "true"))],
    "KillContainer": [("StartContainer", {"name": NAME})],
    "StartPod": [("CreateContainer", create(f"{NAME}-member", *LASTING, pod=NAME))],
    "VolumesPrune": [("VolumeCreate", {"options": {"volumeName": OTHER}})],
}
"""What a method needs that no other one has made: done before it, and not shown."""
