from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.varlink.asking import Refused
from tests.varlink.podman_json import CONTAINER_ID, INSPECTED, STATS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.varlink.asking import Asking
    from tests.varlink.fake_podman import FakePodman

WEB = "/containers/web"
TOP = {"Titles": ["PID", "COMMAND"], "Processes": [["1", "sleep"]]}
KUBE = b"apiVersion: v1\nkind: Service\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n"


@pytest.fixture
def web(podman: FakePodman) -> FakePodman:
    podman.on("GET", f"{WEB}/json", INSPECTED)
    return podman


@pytest.mark.parametrize(
    ("method", "field", "wanted"),
    [
        ("InspectContainer", "container", INSPECTED),
        ("ContainerInspectData", "config", INSPECTED),
        ("ContainerStateData", "config", INSPECTED["State"]),
        ("ContainerConfig", "config", INSPECTED["Config"]),
    ],
)
def test_json_in_a_text(ask: Asking, web: FakePodman, method: str, field: str, wanted: Any) -> None:
    assert json.loads(ask(method, name="web")[field]) == wanted


@pytest.mark.parametrize(
    ("method", "parameter"),
    [
        ("InspectContainer", "name"),
        ("ContainerInspectData", "name"),
        ("ContainerStateData", "name"),
        ("ContainerConfig", "name"),
        ("GetAttachSockets", "name"),
        ("ListContainerProcesses", "name"),
        ("GetContainerStats", "name"),
        ("GenerateKube", "name"),
        ("Top", "nameOrID"),
        ("HealthCheckRun", "nameOrID"),
    ],
)
def test_a_container_that_is_not_there(ask: Asking, method: str, parameter: str) -> None:
    with pytest.raises(Refused) as caught:
        ask(method, **{parameter: "web"})
    assert caught.value.name == "io.podman.ContainerNotFound"
    assert caught.value.parameters["id"] == "web"


@pytest.mark.parametrize("method", ["ListContainerChanges", "Diff", "Spec"])
def test_some_know_no_error_for_that(ask: Asking, method: str) -> None:
    with pytest.raises(Refused) as caught:
        ask(method, name="web")
    assert caught.value.name == "io.podman.ErrorOccurred"


def test_whether_it_exists(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", f"{WEB}/exists", status=204)
    assert ask("ContainerExists", name="web") == {"exists": 0}
    assert ask("ContainerExists", name="nobody") == {"exists": 1}
    assert ask("ContainerExists", name="") == {"exists": 1}
    podman.refuse("GET", "/containers/odd/exists", 500, "more than one")
    with pytest.raises(Refused, match="more than one"):
        ask("ContainerExists", name="odd")


def test_processes(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", f"{WEB}/top", TOP)
    wanted = ["PID\tCOMMAND", "1\tsleep"]
    assert ask("Top", nameOrID="web", descriptors=["pid", "comm"]) == {"top": wanted}
    assert podman.last("GET", f"{WEB}/top").query == {"ps_args": ["pid,comm"], "stream": ["false"]}
    assert ask("ListContainerProcesses", name="web", opts=["-ef"]) == {"container": wanted}
    query = podman.last("GET", f"{WEB}/top").query
    assert query["ps_args"] == ["user,pid,ppid,pcpu,etime,tty,time,comm"]
    ask("ListContainerProcesses", name="web", opts=["pid", "comm"])
    assert podman.last("GET", f"{WEB}/top").query["ps_args"] == ["pid,comm"]


def test_a_health_check(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", f"{WEB}/healthcheck", {"Status": "starting", "Log": [{"ExitCode": 1}]})
    assert ask("HealthCheckRun", nameOrID="web") == {"healthCheckStatus": "unhealthy"}


def test_changes(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", f"{WEB}/changes", [{"Path": "/a", "Kind": 1}])
    podman.on("GET", "/images/alpine/changes", [{"Path": "/b", "Kind": 2}])
    wanted = {"changed": [], "added": ["/a"], "deleted": []}
    assert ask("ListContainerChanges", name="web") == {"container": wanted}
    assert ask("Diff", name="web") == {"diffs": [{"path": "/a", "changeType": "A"}]}
    assert ask("Diff", name="alpine") == {"diffs": [{"path": "/b", "changeType": "D"}]}
    podman.refuse("GET", "/containers/odd/changes", 500, "layer not known")
    with pytest.raises(Refused, match="layer not known"):
        ask("Diff", name="odd")


def test_statistics(ask: Asking, web: FakePodman) -> None:
    web.on("GET", "/containers/stats", {"Error": None, "Stats": [STATS]})
    told = ask("GetContainerStats", name="web")["container"]
    assert (told["id"], told["net_input"], told["pids"]) == (CONTAINER_ID, 11, 3)
    query = web.last("GET", "/containers/stats").query
    assert query == {"containers": ["web"], "stream": ["false"]}


def test_statistics_with_history(ask: Asking, web: FakePodman) -> None:
    web.on("GET", f"/containers/{CONTAINER_ID}/json", INSPECTED)
    web.on("GET", "/containers/stats", {"Error": None, "Stats": [STATS]})
    before = {"id": CONTAINER_ID, "system_nano": STATS["SystemNano"] - 10**9}
    told = ask("GetContainerStatsWithHistory", previousStats=before)["container"]
    assert told["cpu"] > 0
    with pytest.raises(Refused) as caught:
        ask("GetContainerStatsWithHistory", previousStats={"id": "x"})
    assert caught.value.parameters["id"] == "x"


def test_statistics_of_one_that_does_not_run(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", f"{WEB}/json", {**INSPECTED, "State": {"Status": "exited"}})
    with pytest.raises(Refused) as caught:
        ask("GetContainerStats", name="web")
    assert (caught.value.name, caught.value.parameters) == ("io.podman.NoContainerRunning", {})


@pytest.mark.parametrize("told", [{"Error": {}, "Stats": None}, {"Error": "cgroup", "Stats": []}])
def test_no_statistics(ask: Asking, web: FakePodman, told: Any) -> None:
    web.on("GET", "/containers/stats", told)
    with pytest.raises(Refused) as caught:
        ask("GetContainerStats", name="web")
    assert caught.value.name == "io.podman.ErrorOccurred"


def test_a_specification(ask: Asking, podman: FakePodman, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"ociVersion": "1.2"}')
    podman.on("GET", f"{WEB}/json", {**INSPECTED, "OCIConfigPath": str(tmp_path / "config.json")})
    podman.on("GET", "/containers/new/json", INSPECTED)
    assert ask("Spec", name="web") == {"config": '{"ociVersion": "1.2"}'}
    with pytest.raises(Refused, match="never initialised"):
        ask("Spec", name="new")


def test_kubernetes(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/generate/kube", KUBE)
    told = ask("GenerateKube", name="web", service=True)["pod"]
    assert json.loads(told["pod"])["metadata"] == {"name": "web"}
    assert json.loads(told["service"]) == {"apiVersion": "v1", "kind": "Service"}
    query = podman.last("GET", "/generate/kube").query
    assert query == {"names": ["web"], "service": ["true"]}


@pytest.mark.parametrize("state", ["running", "created"])
def test_sockets_to_attach_to(
    ask: Asking, gateway: Any, podman: FakePodman, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, state: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(gateway("rooms.details"), "SOCKETS", str(tmp_path / "short"))
    static = tmp_path / "static"
    podman.on(
        "GET", f"{WEB}/json", {**INSPECTED, "State": {"Status": state}, "StaticDir": str(static)}
    )
    podman.on("POST", f"/containers/{CONTAINER_ID}/init", status=204)
    for _ in range(2):
        sockets = ask("GetAttachSockets", name="web")["sockets"]
    short = tmp_path / "short" / CONTAINER_ID[:12]
    assert sockets == {
        "container_id": CONTAINER_ID,
        "io_socket": f"{short}/attach",
        "control_socket": f"{short}/ctl",
    }
    assert short.readlink() == static
    assert [one.name for one in short.parent.iterdir()] == [short.name]
    initialised = [asked for asked in podman.asked if asked.path.endswith("/init")]
    assert bool(initialised) == (state == "created")
