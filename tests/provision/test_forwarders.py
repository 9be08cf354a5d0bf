"""Units of the forwarders; by systemd's own reader where there is one."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from b2p import families
from b2p.families.engines import DOCKER, PODMAN, VARLINK_UNIT
from b2p.provision import contents, forwarders

if TYPE_CHECKING:
    from pathlib import Path

FAMILY = families.by_name("fedora-coreos")


def parsed(text: str) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[method-assign,assignment]
    unit.read_string(text)
    return unit


def test_a_socket_listens_for_the_gateway_alone() -> None:
    socket, service = forwarders.units(replace(FAMILY, engines=(PODMAN,)))
    assert (socket.name, service.name) == ("b2p-podman.socket", "b2p-podman.service")
    assert dict(parsed(socket.text)["Socket"]) == {
        "ListenStream": "10.0.2.15:2375",
        "IPAddressAllow": "10.0.2.2",
        "IPAddressDeny": "any",
        "FreeBind": "yes",
    }
    assert parsed(service.text)["Unit"]["After"] == "podman.socket"
    assert parsed(service.text)["Service"]["ExecStart"].endswith(
        'systemd-socket-proxyd /run/podman/podman.sock"'
    )
    assert socket.enable
    assert not service.enable


def test_varlink_has_its_own_port_and_of_two_for_one_port_the_first_wins() -> None:
    units = forwarders.units(replace(FAMILY, engines=(PODMAN, DOCKER, VARLINK_UNIT)))
    assert [unit.name for unit in units if unit.enable] == [
        "b2p-podman.socket",
        "b2p-varlink.socket",
    ]
    assert "10.0.2.15:2377" in units[2].text


def test_an_engine_that_ssh_reaches_has_no_forwarder() -> None:
    ssh = replace(PODMAN, reach="ssh")
    assert forwarders.units(replace(FAMILY, engines=(ssh,))) == []


def test_a_family_without_systemd_gets_no_units() -> None:
    assert contents.units(families.by_name("boot2docker")) == []
    assert contents.enabled(families.by_name("boot2docker")) == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
def test_systemd_understands_every_word(tmp_path: Path) -> None:
    for unit in forwarders.units(replace(FAMILY, engines=(PODMAN, VARLINK_UNIT))):
        (tmp_path / unit.name).write_text(unit.text)
    paths = [str(path) for path in tmp_path.iterdir()]
    ran = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True)
    assert not [line for line in ran.stderr.splitlines() if "Unknown" in line or "Failed" in line]
