"""A machine by TCP, then without varlink; and what each of the 97 methods answers there."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.boot.person import PATIENCE, TREE
from tests.varlink.real.conftest import variable
from tests.varlink.real.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.boot.person import Person

pytestmark = pytest.mark.varlink

NAME = "another"
REFUSED = {
    # Podman's API has nothing of the kind.
    "Reset": ("ErrorOccurred", "not offered"),
    "ContainerRunlabel": ("ErrorOccurred", "not offered"),
    "ContainerArtifacts": ("ErrorOccurred", "no equivalent"),
    "GetLayersMapWithImageInfo": ("ErrorOccurred", "no equivalent"),
    "BuildImageHierarchyMap": ("ErrorOccurred", "no equivalent"),
    # No podman ever did these.
    "AttachControl": ("MethodNotImplemented", "io.podman.AttachControl"),
    "CreateFromCC": ("MethodNotImplemented", "io.podman.CreateFromCC"),
    # Asked of a registry that refuses.
    "SearchImages": ("ErrorOccurred", "connection refused"),
    "PushImage": ("ErrorOccurred", "connection refused"),
    # The image has no criu.
    "ContainerCheckpoint": ("ErrorOccurred", "criu"),
    "ContainerRestore": ("ErrorOccurred", "criu"),
}
ID = "[0-9a-f]{64}"
CONTAINER = rf'\{{"container": "{ID}"\}}'
POD = rf'\{{"pod": "{ID}"\}}'
IMAGE = rf'\{{"image": "{ID}"\}}'
ANSWERED = {
    "GetVersion": r'"version": "5\..*"remote_api_version": 1\}',
    "GetInfo": r'"hostname": "another".*"podman_version": "5\.',
    "VolumeCreate": r'\{"volumeName": "b2p-table"\}',
    "GetVolumes": r'"name": "b2p-table", "labels": \{"made": "by a table"\}',
    "InspectVolume": r'\\"Name\\": ?\\"b2p-table\\"',
    "VolumeRemove": r'"successes": \["b2p-table"\], "failures": \{"b2p-table-other": "no volume',
    "SendFile": r'"confirmed": "/var/lib/containers/varlink/varlink-\w+:"',
    "ImportImage": IMAGE,
    "ListImages": r'"repoTags": \["localhost/b2p-table:latest"\]',
    "ListImagesWithFilters": r'"repoTags": \["localhost/b2p-table:latest"\]',
    "GetImage": r'"repoTags": \["localhost/b2p-table:latest"\]',
    "InspectImage": r'\\"RepoTags\\": ?\[\\"localhost/b2p-table:latest\\"\]',
    "HistoryImage": r'"tags": \["localhost/b2p-table:latest"\]',
    "ImageExists": r'\{"exists": 0\}',
    "ImageTree": r"Tags: +\[localhost/b2p-table:latest\]",
    "TagImage": IMAGE,
    "UntagImage": IMAGE,
    "BuildImage": rf'"logs": \["STEP 1/2: FROM .*"id": "{ID}"',
    "RemoveImage": IMAGE,
    "ImageSave": r'"id": "/var/lib/containers/varlink/\S+\.tar"',
    "LoadImage": r'"id": "localhost/b2p-table:latest"',
    "PullImage": rf'"id": "{ID}"',
    "ExportImage": IMAGE,
    "ReceiveFile": r'"len": (\d+), "bytes": \1\}',
    "CreateContainer": CONTAINER,
    "ContainerExists": r'\{"exists": 0\}',
    "InitContainer": CONTAINER,
    "Spec": r'\\"ociVersion\\"',
    "GetAttachSockets": r'"io_socket": "/run/b2p-varlink/[0-9a-f]{12}/attach"',
    "StartContainer": CONTAINER,
    "ListContainers": r'"status": "running".*"names": "b2p-table"',
    "Ps": r'"names": "b2p-table".*"state": "running"',
    "GetContainersByStatus": r'\{"containerS": \[\{"id".*"names": "b2p-table"',
    "GetContainersByContext": rf'\{{"containers": \["{ID}"\]\}}',
    "GetContainer": r'"status": "running".*"names": "b2p-table"',
    "InspectContainer": r'\\"Name\\": ?\\"b2p-table\\".*\\"SizeRootFs\\"',
    "ContainerInspectData": r'\\"Name\\": ?\\"b2p-table\\"',
    "ContainerStateData": r'\\"Status\\": ?\\"running\\"',
    "ContainerConfig": r'\\"Cmd\\": ?\[\\"sh\\", \\"-c\\"',
    "Top": r'\{"top": \["PID\\tCOMMAND", "1\\tsleep"\]\}',
    "ListContainerProcesses": r'\["USER\\tPID\\t.*\\tCOMMAND", ".*\\tsleep"\]',
    "HealthCheckRun": r'\{"healthCheckStatus": "healthy"\}',
    "ExecContainer": r'\{"said": "", "status": 3\}',
    "ListContainerChanges": r'"added": \[[^]]*"/touched"',
    "Diff": r'\{"path": "/touched", "changeType": "A"\}',
    "GetContainerLogs": r'\["\S+ stdout F hello\\n"\]',
    "GetContainersLogs": r'"device": "stdout", "parseLogType": "F".*"msg": "hello"',
    "GetContainerStats": r'"name": "b2p-table".*"pids": 1\}',
    "GetContainerStatsWithHistory": r'"name": "b2p-table".*"pids": 1\}',
    "ListContainerMounts": rf'\{{"mounts": \{{"{ID}": "/\S+/merged"\}}\}}',
    "MountContainer": r'\{"path": "/\S+/merged"\}',
    "UnmountContainer": r"\{\}",
    "PauseContainer": CONTAINER,
    "UnpauseContainer": CONTAINER,
    "ExportContainer": r'\{"tarfile": "/var/lib/containers/varlink/b2p-table/container\.tar"\}',
    "Commit": rf'"id": "{ID}"',
    "RemoveImageWithResponse": rf'\["localhost/b2p-table:committed"\], "deleted": "{ID}"',
    "GenerateKube": r'\\"kind\\": ?\\"Pod\\"',
    "RestartContainer": CONTAINER,
    "StopContainer": CONTAINER,
    "KillContainer": CONTAINER,
    "WaitContainer": r'\{"exitcode": 137\}',
    "Attach": r'\{"said": "heard word\\n", "status": 4\}',
    "RemoveContainer": CONTAINER,
    "EvictContainer": CONTAINER,
    "GetEvents": r'"name": "b2p-table", "status": "create".*"type": "container"',
    "CreatePod": POD,
    "ListPods": r'"name": "b2p-table".*"status": "Created"',
    "GetPod": r'"name": "b2p-table".*"numberofcontainers": "0"',
    "InspectPod": rf'\\"id\\": \\"{ID}\\", \\"name\\": \\"b2p-table\\"',
    "PodStateData": rf'\\"id\\": \\"{ID}\\", \\"name\\": \\"b2p-table\\"',
    "GetPodsByContext": rf'\{{"pods": \["{ID}"\]\}}',
    "StartPod": POD,
    "GetPodsByStatus": rf'\{{"pods": \["{ID}"\]\}}',
    "TopPod": r'"USER\\tPID.*\\tsleep 1000"',
    "GetPodStats": r'"name": "b2p-table-member"',
    "PausePod": POD,
    "UnpausePod": POD,
    "RestartPod": POD,
    "KillPod": POD,
    "StopPod": POD,
    "RemovePod": POD,
    "DeleteStoppedContainers": rf'\{{"containers": \["{ID}"\]\}}',
    "VolumesPrune": r'\{"prunedNames": \["b2p-table-other"\], "prunedErrors": \[\]\}',
    "ImagesPrune": r'\{"pruned": \[\]\}',
    "DeleteUnusedImages": rf'\{{"images": \["{ID}"\]\}}',
}


@pytest.fixture(scope="module")
def by_tcp(person: Person) -> Iterator[str]:
    """What `b2p up` said of a machine whose varlink is a TCP port."""
    yield person.b2p("up", NAME, environment={"B2P_VARLINK": "tcp"}).err
    person.b2p("rm", "-f", NAME)


@pytest.fixture(scope="module")
def answers(by_tcp: str, person: Person) -> dict[str, dict[str, Any]]:
    """What scripts/varlink-table tells, by method."""
    command = [str(TREE / "scripts/varlink-table"), NAME, "--json"]
    ended = subprocess.run(
        command, env=person.environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert ended.returncode == 0, ended
    told = json.loads(ended.stdout)["methods"]
    assert Counter(row["method"] for row in told).most_common(1)[0][1] == 1
    return {row["method"]: row for row in told}


def test_every_method_is_called(answers: dict[str, dict[str, Any]]) -> None:
    assert len(answers) == 97
    assert set(answers) == set(REFUSED) | set(ANSWERED)


@pytest.mark.parametrize("method", sorted(ANSWERED))
def test_a_method_answers(answers: dict[str, dict[str, Any]], method: str) -> None:
    row = answers[method]
    assert row["answer"] == "answered", row
    assert re.search(ANSWERED[method], json.dumps(row["parameters"])), row


@pytest.mark.parametrize("method", sorted(REFUSED))
def test_a_method_that_cannot_answer_says_why(
    answers: dict[str, dict[str, Any]], method: str
) -> None:
    error, reason = REFUSED[method]
    row = answers[method]
    assert row["answer"] == error, row
    assert reason in json.dumps(row["parameters"])


def test_a_table_is_not_made_where_something_could_be_lost(person: Person, by_tcp: str) -> None:
    person.b2p("podman", "-m", NAME, "volume", "create", "mine")
    ended = subprocess.run(
        [str(TREE / "scripts/varlink-table"), NAME],
        env=person.environment, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "use a new machine" in ended.stderr
    person.b2p("podman", "-m", NAME, "volume", "rm", "mine")


def test_a_tcp_port_comes_with_a_warning(person: Person, by_tcp: str) -> None:
    assert "varlink on a TCP port: containers and other users of this computer reach it" in by_tcp
    address = variable(person, "PODMAN_VARLINK_ADDRESS", NAME, "--varlink")
    assert re.fullmatch(r"tcp:127\.0\.0\.1:\d+", address)
    assert Service(address)("GetVersion")["version"].startswith("5.")
    assert not Path(person.facts(NAME)["files"]["varlink"]).exists()
    assert json.loads(person.b2p("varlink", "call", "-m", NAME, "io.podman.ListPods").out)


def test_varlink_can_be_off(person: Person, by_tcp: str) -> None:
    address = variable(person, "PODMAN_VARLINK_ADDRESS", NAME, "--varlink")
    person.b2p("down", NAME)
    said = person.b2p("up", NAME, environment={"B2P_VARLINK": "off"})
    assert "TCP" not in said.err
    for words in (["env", NAME, "--varlink"], ["varlink", "info", "-m", NAME]):
        refused = person.b2p(*words, status=2)
        assert f"varlink is off for machine '{NAME}'" in refused.err
    with socket.socket() as client:
        host, port = address.removeprefix("tcp:").split(":")
        assert client.connect_ex((host, int(port))) != 0
