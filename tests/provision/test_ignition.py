"""Ignition's documents, decoded as Ignition does it; by its own validator where there is one."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import pytest

from b2p import families
from b2p.errors import UsageError
from b2p.families.model import Ignition
from b2p.provision import ignition
from tests.provision.examples import HOST_KEY, HOST_KEY_PUBLIC, KEY, PLAIN, TOLD

if TYPE_CHECKING:
    from b2p.provision.told import Told

WITH_IGNITION = ["fedora-coreos", "flatcar", "container-linux"]


def document(name: str, told: Told = TOLD, **other: Any) -> dict[str, Any]:
    family = families.by_name(name)
    assert isinstance(family.provisioner, Ignition)
    found: dict[str, Any] = json.loads(ignition.config(family, family.provisioner, told, **other))
    return found


def decoded(url: str) -> bytes:
    kind, _, data = url.partition(",")
    assert kind in {"data:", "data:;base64"}
    return base64.b64decode(data) if kind.endswith("base64") else unquote_to_bytes(data)


def files(config: dict[str, Any]) -> dict[str, tuple[int, bytes]]:
    return {
        file["path"]: (file["mode"], decoded(file["contents"]["source"]))
        for file in config["storage"]["files"]
    }


@pytest.mark.parametrize("name", WITH_IGNITION)
def test_key_name_and_host_keys_arrive(name: str) -> None:
    config = document(name)
    assert config["passwd"]["users"] == [{"name": "core", "sshAuthorizedKeys": [KEY]}]
    found = files(config)
    assert found["/etc/hostname"] == (0o644, b"work\n")
    assert found["/etc/ssh/ssh_host_ed25519_key"] == (0o600, HOST_KEY.encode())
    assert found["/etc/ssh/ssh_host_ed25519_key.pub"] == (0o644, HOST_KEY_PUBLIC.encode())


def test_the_engines_unit_and_its_forwarder_are_enabled() -> None:
    units = {unit["name"]: unit for unit in document("fedora-coreos")["systemd"]["units"]}
    assert units["podman.socket"] == {"name": "podman.socket", "enabled": True}
    assert units["b2p-podman.socket"]["enabled"] is True
    assert "ListenStream=10.0.2.15:2375" in units["b2p-podman.socket"]["contents"]
    assert "enabled" not in units["b2p-podman.service"]


def test_each_specification_has_its_own_words() -> None:
    new, old = document("fedora-coreos"), document("container-linux")
    assert new["ignition"]["version"] == "3.0.0"
    assert all(file["overwrite"] is True for file in new["storage"]["files"])
    assert old["ignition"]["version"] == "2.0.0"
    assert all(file["filesystem"] == "root" for file in old["storage"]["files"])


def test_docker_families_get_dockers_own_file_of_registries() -> None:
    found = files(document("flatcar"))
    assert json.loads(found["/etc/docker/daemon.json"][1]) == {
        "registry-mirrors": ["http://10.0.2.2:5000"],
        "insecure-registries": ["10.0.2.2:5000"],
    }


def test_nothing_is_written_of_what_nobody_said() -> None:
    assert set(files(document("fedora-coreos", PLAIN))) == {"/etc/hostname"}


@pytest.mark.parametrize(
    ("name", "version", "verb"),
    [
        ("fedora-coreos", "3.3.0", "merge"),
        ("flatcar", "3.1.0", "merge"),
        ("flatcar", "2.3.0", "append"),
        ("container-linux", "2.2.0", "append"),
    ],
)
def test_the_users_own_is_merged_by_ignition(name: str, version: str, verb: str) -> None:
    user = json.dumps({"ignition": {"version": version}, "x": "ü & <%>"}, indent=2).encode()
    config = document(name, user=user)
    assert config["ignition"]["version"][0] == version[0]
    (reference,) = config["ignition"]["config"][verb]
    assert decoded(reference["source"]) == user
    assert "verification" not in reference


def test_the_users_own_can_carry_its_hash() -> None:
    user = b'{"ignition":{"version":"3.0.0"}}'
    (reference,) = document("fcos", user=user, verified=True)["ignition"]["config"]["merge"]
    assert reference["verification"] == {"hash": f"sha512-{hashlib.sha512(user).hexdigest()}"}


@pytest.mark.parametrize(
    ("name", "user", "words"),
    [
        ("fcos", b'{"ignition":{"version":"2.3.0"}}', "version '2.3.0'"),
        ("fcos", b'{"ignition":{"version":"3.9.0"}}', "version '3.9.0'"),
        ("container-linux", b'{"ignition":{"version":"3.0.0"}}', "version '3.0.0'"),
        ("fcos", b'{"ignition":{"version":["3.0.0"]}}', "version"),
        ("fcos", b"variant: fcos\nversion: 1.5.0\n", "not JSON"),
        ("fcos", b"[]", "not JSON"),
        ("fcos", b"\xff\xfe", "not JSON"),
        ("fcos", b"[" * 100_000, "not JSON"),
    ],
)
def test_another_version_is_refused_with_those_that_are_taken(
    name: str, user: bytes, words: str
) -> None:
    with pytest.raises(UsageError, match=words) as raised:
        document(name, user=user)
    assert "butane" in raised.value.hint or "takes" in raised.value.hint


def test_it_is_small_and_a_large_one_is_refused() -> None:
    family = families.by_name("fcos")
    assert isinstance(family.provisioner, Ignition)
    assert len(ignition.config(family, family.provisioner, TOLD)) < 6000
    user = json.dumps({"ignition": {"version": "3.0.0"}, "x": "x" * ignition.LARGEST}).encode()
    with pytest.raises(UsageError, match="more than a guest reads"):
        document("fcos", user=user)


@pytest.mark.parametrize("data", [b"", b"a,b;c%20+\n", bytes(range(256)), "ü🙂".encode() * 9])
def test_data_urls_give_back_their_bytes(data: bytes) -> None:
    assert decoded(ignition.data_url(data)) == data


@pytest.mark.skipif(not shutil.which("ignition-validate"), reason="needs Ignition's validator")
@pytest.mark.parametrize("name", ["fedora-coreos", "flatcar"])
def test_ignitions_own_validator_agrees(name: str) -> None:
    user = b'{"ignition":{"version":"3.3.0"}}'
    text = json.dumps(document(name, user=user))
    ran = subprocess.run(["ignition-validate", "-"], input=text, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
