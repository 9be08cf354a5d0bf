from __future__ import annotations

from typing import Any

import pytest

from tests.varlink.wishes import complete


@pytest.fixture
def specification(gateway: Any) -> Any:
    create = gateway("shapes.create")
    return lambda **wish: create.specification(
        complete(gateway, "Create", **{"args": ["alpine"], **wish})
    )


def test_an_image_alone_is_all_that_is_said(specification: Any) -> None:
    assert specification() == {"image": "alpine"}


def test_image_and_command_are_the_arguments(specification: Any) -> None:
    spec = specification(args=["alpine", "sleep", "5"], command=["ignored"], detach=True)
    assert spec == {"image": "alpine", "command": ["sleep", "5"]}


@pytest.mark.parametrize(
    ("wish", "wanted"),
    [
        ({"name": "web"}, {"name": "web"}),
        (
            {"tty": True, "interactive": True, "rm": True},
            {"terminal": True, "stdin": True, "remove": True},
        ),
        ({"tty": False}, {}),
        (
            {"privileged": True, "user": "1:2", "hostname": "h"},
            {"privileged": True, "user": "1:2", "hostname": "h"},
        ),
        ({"workDir": "/w", "readonly": True}, {"work_dir": "/w", "read_only_filesystem": True}),
        ({"env": ["A=1", "B=x=y", "HOME"]}, {"env": {"A": "1", "B": "x=y"}}),
        ({"label": ["a=b", "c"]}, {"labels": {"a": "b", "c": ""}}),
        ({"annotation": ["a=b"]}, {"annotations": {"a": "b"}}),
        ({"sysctl": ["net.core.somaxconn=5"]}, {"sysctl": {"net.core.somaxconn": "5"}}),
        ({"entrypoint": "/bin/x"}, {"entrypoint": ["/bin/x"]}),
        ({"entrypoint": '["a", "b"]'}, {"entrypoint": ["a", "b"]}),
        (
            {"capAdd": ["SYS_ADMIN"], "capDrop": ["all"]},
            {"cap_add": ["SYS_ADMIN"], "cap_drop": ["all"]},
        ),
        (
            {"publish": ["8080:80"]},
            {"portmappings": [{"container_port": 80, "host_port": 8080, "protocol": "tcp"}]},
        ),
        ({"publishAll": True}, {"publish_image_ports": True}),
        ({"expose": ["80", "53/udp"]}, {"expose": {"80": "tcp", "53": "udp"}}),
        ({"dns": ["1.1.1.1"], "dnsServers": ["9.9.9.9"]}, {"dns_server": ["1.1.1.1", "9.9.9.9"]}),
        ({"addHost": ["a:1.2.3.4"]}, {"hostadd": ["a:1.2.3.4"]}),
        ({"restart": "on-failure:3"}, {"restart_policy": "on-failure", "restart_tries": 3}),
        ({"restart": "always"}, {"restart_policy": "always"}),
        ({"stopSignal": "TERM"}, {"stop_signal": 15}),
        ({"stopSignal": "sigint"}, {"stop_signal": 2}),
        ({"stopSignal": "9"}, {"stop_signal": 9}),
        ({"stopTimeout": 0}, {"stop_timeout": 0}),
        ({"shmSize": "64m"}, {"shm_size": 64 << 20}),
        ({"device": ["/dev/fuse"]}, {"devices": [{"path": "/dev/fuse"}]}),
        ({"imageVolume": "bind"}, {"image_volume_mode": "anonymous"}),
        ({"systemd": "always"}, {"systemd": "always"}),
        (
            {"overrideArch": "arm64", "overrideOS": "linux"},
            {"image_arch": "arm64", "image_os": "linux"},
        ),
        ({"pod": "p", "network": "bridge"}, {"pod": "p"}),
        ({"network": "bridge"}, {"netns": {"nsmode": "bridge"}}),
        ({"network": "host"}, {"netns": {"nsmode": "host"}}),
        ({"network": "container:web"}, {"netns": {"nsmode": "container", "value": "web"}}),
        ({"network": "ns:/run/n"}, {"netns": {"nsmode": "path", "value": "/run/n"}}),
        ({"network": "mine"}, {"netns": {"nsmode": "bridge"}, "Networks": {"mine": {}}}),
        (
            {"ip": "10.88.0.9"},
            {"netns": {"nsmode": "bridge"}, "Networks": {"podman": {"static_ips": ["10.88.0.9"]}}},
        ),
        (
            {"macAddress": "02:00:00:00:00:01"},
            {
                "netns": {"nsmode": "bridge"},
                "Networks": {"podman": {"static_mac": "02:00:00:00:00:01"}},
            },
        ),
        (
            {"pid": "host", "ipc": "shareable"},
            {"pidns": {"nsmode": "host"}, "ipcns": {"nsmode": "shareable"}},
        ),
        ({"uts": "pod"}, {"utsns": {"nsmode": "from-pod"}}),
        (
            {"logDriver": "k8s-file", "logOpt": ["path=/l", "max-size=1m", "tag=t"]},
            {
                "log_configuration": {
                    "driver": "k8s-file",
                    "path": "/l",
                    "size": 1 << 20,
                    "options": {"tag": "t"},
                }
            },
        ),
        (
            {"securityOpt": ["label=disable", "label=type:svirt_t", "label:level:s0"]},
            {"selinux_opts": ["disable", "type:svirt_t", "level:s0"]},
        ),
        (
            {"securityOpt": ["seccomp=unconfined", "apparmor=a", "no-new-privileges"]},
            {
                "seccomp_profile_path": "unconfined",
                "apparmor_profile": "a",
                "no_new_privileges": True,
            },
        ),
        (
            {"uidmap": ["0:100000:65536"]},
            {
                "userns": {"nsmode": "private"},
                "idmappings": {
                    "UIDMap": [{"container_id": 0, "host_id": 100000, "size": 65536}],
                    "GIDMap": [{"container_id": 0, "host_id": 100000, "size": 65536}],
                },
            },
        ),
        ({"memory": "64m"}, {"resource_limits": {"memory": {"limit": 64 << 20}}}),
        ({"volume": ["data:/d"]}, {"volumes": [{"Name": "data", "Dest": "/d", "Options": []}]}),
    ],
)
def test_a_wish(specification: Any, wish: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert specification(**wish) == {"image": "alpine", **wanted}


def test_a_root_file_system_is_no_image(specification: Any) -> None:
    assert specification(args=["/srv/root", "sh"], rootfs=True) == {
        "rootfs": "/srv/root",
        "command": ["sh"],
    }


@pytest.mark.parametrize(
    ("command", "test"),
    [("curl -f x", ["CMD-SHELL", "curl -f x"]), ('["curl", "x"]', ["CMD", "curl", "x"])],
)
def test_a_health_check(specification: Any, command: str, test: list[str]) -> None:
    spec = specification(
        healthcheckCommand=command, healthcheckInterval="10s", healthcheckStartPeriod="1m"
    )
    assert spec["healthconfig"] == {
        "Test": test,
        "Interval": 10 * 10**9,
        "Timeout": 30 * 10**9,
        "Retries": 3,
        "StartPeriod": 60 * 10**9,
    }


def test_no_health_check(specification: Any) -> None:
    assert specification(healthcheckCommand="none")["healthconfig"] == {"Test": ["NONE"]}


@pytest.mark.parametrize(
    "wish",
    [
        {"args": []},
        {"envFile": ["/etc/e"]},
        {"labelFile": ["/etc/e"]},
        {"cidFile": "/c"},
        {"initPath": "/i"},
        {"stopSignal": "NOSUCH"},
        {"restart": "on-failure:x"},
        {"entrypoint": "[broken"},
        {"securityOpt": ["unheard=of"]},
        {"uidmap": ["0:1"]},
        {"gidmap": ["a:b:c"]},
        {"shmSize": "big"},
        {"healthcheckCommand": "x", "healthcheckInterval": "often"},
        {"publish": ["http"]},
        {"mount": ["type=bind,source=/x"]},
    ],
)
def test_a_wish_that_cannot_be_read(specification: Any, wish: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        specification(**wish)
