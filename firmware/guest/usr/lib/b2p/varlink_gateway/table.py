"""The methods of io.podman: the room each is in, and what a 404 of podman's means for it."""

from __future__ import annotations

import re

CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Method:
    """Where a method is done. A 404 is `kind`NotFound of parameter `named`, or ErrorOccurred."""

    __slots__ = ("function", "kind", "named", "room", "upgrade")

    def __init__(self, room: str, name: str, kind: str, named: str, *, upgrade: bool) -> None:
        self.room = room
        self.function = CAPITAL.sub("_", name).lower()
        self.kind = kind
        self.named = named
        self.upgrade = upgrade


# room, kind, parameter, methods
ROWS = (
    ("system", "", "", "GetVersion GetInfo GetEvents"),
    (
        "absent",
        "",
        "",
        (
            "Reset AttachControl CreateFromCC ContainerRunlabel ContainerArtifacts"
            " GetLayersMapWithImageInfo BuildImageHierarchyMap"
        ),
    ),
    ("lists", "", "", "ListContainers Ps GetContainersByStatus"),
    ("lists", "Container", "id", "GetContainer"),
    ("lists", "Container", "", "GetContainersByContext"),
    ("containers", "", "", "CreateContainer DeleteStoppedContainers ListContainerMounts"),
    ("containers", "", "name", "MountContainer UnmountContainer"),
    (
        "containers",
        "Container",
        "name",
        (
            "StartContainer StopContainer InitContainer RestartContainer KillContainer"
            " PauseContainer UnpauseContainer WaitContainer RemoveContainer EvictContainer"
            " ContainerCheckpoint ContainerRestore Commit"
        ),
    ),
    (
        "details",
        "Container",
        "name",
        (
            "InspectContainer ContainerInspectData ContainerStateData ContainerConfig"
            " GetAttachSockets ListContainerProcesses GetContainerStats GenerateKube"
        ),
    ),
    ("details", "Container", "nameOrID", "Top HealthCheckRun"),
    ("details", "Container", "previousStats.id", "GetContainerStatsWithHistory"),
    ("details", "", "", "ContainerExists ListContainerChanges Diff Spec"),
    ("logs", "Container", "name", "GetContainerLogs GetContainersLogs"),
    (
        "images",
        "",
        "",
        (
            "ListImages ListImagesWithFilters ImageExists ImageTree ImagesPrune DeleteUnusedImages"
            " SearchImages"
        ),
    ),
    ("images", "Image", "id", "GetImage"),
    (
        "images",
        "Image",
        "name",
        "InspectImage HistoryImage TagImage UntagImage RemoveImage RemoveImageWithResponse",
    ),
    ("transfers", "", "", "PullImage BuildImage"),
    ("transfers", "Image", "name", "PushImage"),
    ("archives", "", "", "LoadImage ImportImage"),
    ("archives", "Image", "name", "ExportImage"),
    ("archives", "Image", "options.name", "ImageSave"),
    ("archives", "Container", "name", "ExportContainer"),
    ("pods", "", "", "CreatePod ListPods GetPodsByStatus PodStateData"),
    ("pods", "Pod", "", "GetPodsByContext"),
    (
        "pods",
        "Pod",
        "name",
        (
            "GetPod InspectPod StartPod StopPod RestartPod KillPod PausePod UnpausePod RemovePod"
            " GetPodStats"
        ),
    ),
    ("pods", "Pod", "pod", "TopPod"),
    ("volumes", "", "", "VolumeCreate VolumeRemove GetVolumes InspectVolume VolumesPrune"),
)
UPGRADED = (
    ("sessions", "", "name", "Attach"),
    ("sessions", "Container", "opts.name", "ExecContainer"),
    ("files", "", "", "SendFile ReceiveFile"),
)

METHODS = {
    name: Method(room, name, kind, named, upgrade=rows is UPGRADED)
    for rows in (ROWS, UPGRADED)
    for room, kind, named, names in rows
    for name in names.split()
}
