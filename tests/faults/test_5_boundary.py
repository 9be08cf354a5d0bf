"""The wall around a machine, looked at from this computer: docs/security.md."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import psutil

    from tests.boot.person import Person
    from tests.faults.conftest import Tally

pytestmark = pytest.mark.faults

linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="/proc is Linux's")


def status_of(pid: int | str) -> dict[str, str]:
    """What the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def qemu_of(person: Person, name: str = "default") -> psutil.Process:
    found = person.qemu(name)
    assert found
    return found


@linux
def test_qemu_runs_under_its_filter(machine: Person, new: Callable[..., str]) -> None:
    found = status_of(qemu_of(machine).pid)
    assert found["Seccomp"] == "2"
    assert int(found["Seccomp_filters"]) >= 1
    new("walled", environment={"B2P_HOST_CALLS": "false"})
    strict = status_of(qemu_of(machine, "walled").pid)
    assert (strict["Seccomp"], strict["NoNewPrivs"]) == ("2", "1")


@linux
def test_qemu_has_no_capabilities_of_its_own(machine: Person) -> None:
    mine, theirs = status_of("self"), status_of(qemu_of(machine).pid)
    for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        assert not int(theirs[kind], 16) & ~int(mine[kind], 16), kind
    assert theirs["Uid"].split() == [str(os.geteuid())] * 4


def test_devices_are_few(machine: Person) -> None:
    command = machine.facts()["decided"]["command"]
    assert {"-nodefaults", "-no-user-config"} <= set(command)
    devices = [command[at + 1] for at, word in enumerate(command) if word == "-device"]
    assert devices
    assert {one.partition(",")[0].partition("-")[0] for one in devices} <= {
        "virtio", "virtserialport", "vmgenid", "pcie", "vhost", "pvpanic",
    }  # fmt: skip
    for word in ("usb", "vga", "sound", "hda", "floppy", "ide"):
        assert not [one for one in devices if word in one.lower()], word


def secrets_of(person: Person, name: str = "default") -> list[str]:
    """What nobody else may read."""
    files = person.facts(name)["files"]
    key = person.home / ".local/share/b2p/id_ed25519"
    private = [one.read_text().splitlines()[1] for one in (key, Path(files["host_key"]))]
    return [(Path(files["podman"]).parent / "token").read_text(), *private]


def test_nothing_secret_is_on_a_command_line_or_in_a_log(machine: Person) -> None:
    secrets = secrets_of(machine)
    assert all(len(one) > 30 for one in secrets)
    shown = [" ".join(one.cmdline()) for one in machine.processes()]
    home = Path(machine.facts()["files"]["record"]).parent
    shown += [
        (home / name).read_text(errors="replace")
        for name in ("console.log", "qemu.log", "machine.json")
    ]
    shown += [machine.b2p("inspect").out, machine.b2p("--debug", "status").err]
    assert not [one for one in secrets if any(one in text for text in shown)]


def test_keys_tokens_and_logs_are_ones_own(machine: Person) -> None:
    files = machine.facts()["files"]
    home, run = Path(files["record"]).parent, Path(files["podman"]).parent
    key = machine.home / ".local/share/b2p/id_ed25519"
    for path in (
        key,
        Path(files["host_key"]),
        run / "token",
        home / "console.log",
        home / "qemu.log",
    ):
        assert stat.S_IMODE(path.stat().st_mode) & 0o177 == 0, path
    for path in (home, run, run.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path


@pytest.mark.parametrize("path", ["/_ping", "/v1.41/containers/json", "/"])
def test_a_browser_at_the_tcp_port_gets_nowhere(machine: Person, path: str, tally: Tally) -> None:
    ports = {
        one.laddr.port for one in qemu_of(machine).net_connections("tcp") if one.status == "LISTEN"
    }
    assert ports == {machine.facts()["ssh_port"]}
    head = "Host: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 0"
    request = f"POST {path} HTTP/1.1\r\n{head}\r\n\r\n"
    for port in ports:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(request.encode())
            said = b""
            while data := client.recv(4096):
                said += data
        tally["bad inputs"] += 1
        assert said.startswith(b"SSH-")
        assert b"HTTP/" not in said
