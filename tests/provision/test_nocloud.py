"""cloud-init's seed: texts read back as JSON (which is YAML), volumes by another reader of ISOs."""

from __future__ import annotations

import email
import io
import json
import re
from email import policy
from typing import TYPE_CHECKING, Any

import pycdlib
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from b2p import families
from b2p.errors import UsageError
from b2p.families.model import NoCloud
from b2p.provision import multipart, nocloud
from tests.provision.examples import HOST_KEY, HOST_KEY_PUBLIC, KEY, PLAIN, TOLD

if TYPE_CHECKING:
    from b2p.provision.told import Told

WITH_NOCLOUD = [family.name for family in families.ALL if isinstance(family.provisioner, NoCloud)]


def seed(name: str, told: Told = TOLD, user_data: bytes = b"") -> dict[str, bytes]:
    family = families.by_name(name)
    assert isinstance(family.provisioner, NoCloud)
    return nocloud.seed(family, family.provisioner, told, user_data=user_data)


def config(data: bytes) -> dict[str, Any]:
    """What stands in a cloud-config of b2p's."""
    first, _, rest = data.decode().partition("\n")
    assert first == "#cloud-config"
    wide = re.sub(r"\\U([0-9a-f]{8})", lambda match: chr(int(match[1], 16)), rest)
    found: dict[str, Any] = json.loads(wide)
    return found


def parts(data: bytes) -> list[tuple[str, bytes]]:
    message = email.message_from_bytes(data, policy=policy.default)
    assert message.get_content_type() == "multipart/mixed"
    found = [
        (part.get_content_type(), part.get_payload(decode=True)) for part in message.iter_parts()
    ]
    return [(kind, body) for kind, body in found if isinstance(body, bytes)]


@pytest.mark.parametrize("name", WITH_NOCLOUD)
def test_a_seed_tells_name_and_keys(name: str) -> None:
    files = seed(name)
    assert set(files) == {"meta-data", "user-data", "vendor-data"}
    assert json.loads(files["meta-data"]) == {
        "instance-id": TOLD.instance,
        "local-hostname": "work",
    }
    said = config(files["user-data"])
    assert said["hostname"] == "work"
    assert said["ssh_keys"] == {
        "ed25519_private": HOST_KEY,
        "ed25519_public": HOST_KEY_PUBLIC,
    }
    keys = said.get("ssh_authorized_keys") or said["users"][1]["ssh_authorized_keys"]
    assert keys == [KEY]


def test_an_image_without_an_engine_installs_it_before_it_is_enabled() -> None:
    said = config(seed("debian")["user-data"])
    assert said["packages"] == ["podman"]
    assert said["package_update"] is True
    assert said["apt"] == {"http_proxy": "http://u:p%40ss@proxy.example:3128"}
    assert said["runcmd"] == [
        ["systemctl", "daemon-reexec"],
        ["systemctl", "enable", "--now", "podman.socket"],
        ["systemctl", "enable", "--now", "b2p-podman.socket"],
    ]
    written = {file["path"]: file["content"] for file in said["write_files"]}
    assert "/run/podman/podman.sock" in written["/etc/systemd/system/b2p-podman.service"]
    assert (
        'location = "10.0.2.2:5000"\ninsecure = true'
        in (written["/etc/containers/registries.conf.d/50-b2p.conf"])
    )
    assert "p%%40ss" in written["/etc/systemd/system.conf.d/50-b2p-proxy.conf"]
    assert "p%40ss" in written["/etc/profile.d/50-b2p-proxy.sh"]
    assert "/etc/ssh/ssh_host_ed25519_key" not in written


def test_what_nobody_said_is_not_written() -> None:
    said = config(seed("fedora", PLAIN)["user-data"])
    assert "ssh_keys" not in said
    assert "apt" not in said
    assert said["runcmd"][0] == ["systemctl", "daemon-reload"]
    assert [file["path"] for file in said["write_files"]] == [
        "/etc/systemd/system/b2p-podman.socket",
        "/etc/systemd/system/b2p-podman.service",
    ]


def test_only_a_guest_whose_engine_is_roots_by_ssh_lets_root_in() -> None:
    assert config(seed("centos-atomic")["user-data"])["disable_root"] is False
    assert "disable_root" not in config(seed("debian")["user-data"])


@pytest.mark.parametrize(
    ("user_data", "kind"),
    [
        (b"#cloud-config\npackages: [htop]\n", "text/cloud-config"),
        ("#!/bin/sh\necho 'h\u00e9llo 🙂'\n".encode(), "text/x-shellscript"),
        (b"#include\nhttps://example.org/x\n", "text/x-include-url"),
        (b"## template: jinja\n#cloud-config\nx: 1\n", "text/jinja2"),
    ],
)
def test_the_users_own_comes_first_and_ours_gives_way(user_data: bytes, kind: str) -> None:
    theirs, ours = parts(seed("debian", user_data=user_data)["user-data"])
    assert theirs[0] == kind
    assert theirs[1].rstrip(b"\n") == user_data.rstrip(b"\n")
    assert ours[0] == "text/cloud-config"
    said = config(ours[1])
    assert said["packages"] == ["podman"]
    assert {"name": "list", "settings": ["append"]} in said["merge_how"]


def test_an_archive_of_the_users_is_taken_apart() -> None:
    own = multipart.joined(b"#!/bin/sh\ntrue\n", "#cloud-config\nname: jürgen\n".encode())
    kinds = [kind for kind, _ in parts(seed("debian", user_data=own)["user-data"])]
    assert kinds == ["text/x-shellscript", "text/cloud-config", "text/cloud-config"]


def test_the_same_parts_make_the_same_bytes() -> None:
    own = b"#!/bin/sh\ntrue\n"
    assert seed("debian", user_data=own) == seed("debian", user_data=own)


@pytest.mark.parametrize(
    ("user_data", "words"),
    [
        (b"packages: [htop]\n", "begins with 'packages"),
        (b"\x1f\x8b\x08\x00", "not text"),
        (b"#cloud-config\nusers:\n\t- me\n", "not YAML: found character .* in line 3"),
        (b"#cloud-config\nusers: [me\n", "not YAML: expected .* in line 3"),
        (b"#cloud-config\n- a\n- list\n", "not YAML of keys"),
        (b"#cloud-config\njust words\n", "not YAML of keys"),
        (b"Content-Type: multipart/mixed; boundary=x\n\n", "without parts"),
    ],
)
def test_what_cloud_init_would_drop_in_silence_is_refused(user_data: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        seed("debian", user_data=user_data)


@pytest.mark.parametrize("user_data", [b"#cloud-config\n", b"#cloud-config\n---\n# x\na: 1\n"])
def test_what_is_merely_short_is_taken(user_data: bytes) -> None:
    assert len(parts(seed("debian", user_data=user_data)["user-data"])) == 2


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=50), max_size=4))
def test_no_character_is_left_that_mime_or_yaml_spoils(value: dict[str, str]) -> None:
    lines = nocloud.yaml(value).split("\n")
    assert all(line.isascii() and line.isprintable() for line in lines)


def test_a_reader_of_yaml_finds_every_character_again() -> None:
    value = {"a": "".join(map(chr, (*range(0xD800), *range(0xE000, 0x11000), 0x1F642)))}
    assert yaml.safe_load(nocloud.yaml(value)) == value


def test_unprintable_characters_are_escaped_as_yaml_does_it() -> None:
    assert nocloud.yaml({"a": "\x7f\u2028ü🙂"}) == (
        '{\n "a": "\\U0000007f\\U00002028\\U000000fc\\U0001f642"\n}\n'
    )


@pytest.mark.parametrize("facade", ["rr_path", "joliet_path"])
def test_the_volume_is_one_that_cloud_init_looks_for(facade: str) -> None:
    files = seed("debian") | {"network-config": b"x" * 5000}
    volume = pycdlib.PyCdlib()
    volume.open_fp(io.BytesIO(nocloud.iso(files)))
    assert volume.pvd.volume_identifier.rstrip() == b"cidata"
    names = [
        f"/{child.rock_ridge.name().decode()}"
        for child in volume.list_children(rr_path="/")
        if child.rock_ridge and child.is_file()
    ]
    assert sorted(names) == sorted(f"/{name}" for name in files)
    for name, data in files.items():
        out = io.BytesIO()
        volume.get_file_from_iso_fp(out, **{facade: f"/{name}"})
        assert out.getvalue() == data
    volume.close()


def test_the_network_is_that_of_qemu() -> None:
    text = json.dumps(nocloud.network_config())
    assert all(address in text for address in ("10.0.2.15/24", "10.0.2.2", "10.0.2.3"))
