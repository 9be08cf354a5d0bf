"""A NoCloud seed: which of cloud-init's words are understood, and what is done with them."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from b2p import families
from b2p.families.model import NoCloud, UserdataDisk
from b2p.machine import ports
from b2p.provision import nocloud, userdata
from b2p.provision.told import Told

if TYPE_CHECKING:
    from pathlib import Path

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbcdefghijklmnopqrstuvwxyz0123456789ABCDEFG me"
CONFIG = b"""#cloud-config
fqdn: box.example.org
timezone: Europe/Vienna
ssh_authorized_keys:
  - ssh-ed25519 AAAA general
users:
  - default
  - name: ann
    sudo: ALL=(ALL) NOPASSWD:ALL
    ssh_authorized_keys: [ssh-ed25519 BBBB ann]
write_files:
  - path: /etc/motd
    content: hello
runcmd:
  - [touch, /run/done]
  - echo hello > /run/said
packages: [htop]
"""


def told_by_b2p() -> Told:
    return Told(name="web", instance="i-1", keys=(KEY,), host_key="PRIVATE\n", host_key_public="P")


def test_a_cloud_config_in_yaml(agent: Any) -> None:
    told = agent.seed.understood(CONFIG, b"instance-id: i-1\nlocal-hostname: other\n")
    assert told.name == "box"
    assert told.timezone == "Europe/Vienna"
    assert told.keys == ["ssh-ed25519 AAAA general"]
    assert [user["name"] for user in told.users] == ["ann"]
    assert told.files == [{"path": "/etc/motd", "content": "hello"}]
    assert told.commands == [["touch", "/run/done"], "echo hello > /run/said"]
    assert told.problems == ["the seed's 'packages' is not understood here, and left alone"]
    assert told.root_too


@pytest.mark.parametrize("name", ["b2p-iso", "b2p-disk"])
def test_what_b2p_tells_its_own_images_is_understood_whole(agent: Any, name: str) -> None:
    family = families.by_name(name)
    assert isinstance(family.provisioner, NoCloud)
    files = nocloud.seed(family, family.provisioner, told_by_b2p())
    told = agent.seed.understood(files["user-data"], files["meta-data"])
    assert told.name == "web"
    assert told.keys == [KEY]
    assert told.host_keys == {"ssh_host_ed25519_key": "PRIVATE\n"}
    assert told.problems == []
    assert told.root_too


def test_a_persons_own_user_data_comes_with_it(agent: Any) -> None:
    family = families.by_name("b2p-iso")
    assert isinstance(family.provisioner, NoCloud)
    own = b"#cloud-config\nhostname: mine\nruncmd: [first]\n"
    script = b"#!/bin/sh\necho script\n"
    files = nocloud.seed(family, family.provisioner, told_by_b2p(), user_data=own)
    told = agent.seed.understood(files["user-data"], b"")
    assert told.name == "mine"
    assert told.keys == [KEY]
    assert told.commands == ["first"]
    files = nocloud.seed(family, family.provisioner, told_by_b2p(), user_data=script)
    assert agent.seed.understood(files["user-data"], b"").scripts == [script]


@pytest.mark.parametrize("text", [b"#cloud-config\n- a list\n", b"#cloud-config\na: [\n", b"what?"])
def test_what_is_no_user_data_is_said_to_be_none(agent: Any, text: bytes) -> None:
    with pytest.raises(ValueError, match=r"YAML|understood|expected"):
        agent.seed.understood(text, b"")


@pytest.mark.parametrize("word", ["users", "write_files", "runcmd", "ssh_keys", "hostname"])
@pytest.mark.parametrize("value", [7, "text", ["a", 7, None], {"a": {"b": 1}}])
def test_a_word_of_an_odd_kind_breaks_nothing(
    agent: Any, admitted: Any, word: str, value: object
) -> None:
    text = b"#cloud-config\n" + json.dumps({word: value, "ssh_authorized_keys": ["k"]}).encode()
    told = agent.seed.understood(text, b"")
    assert admitted(told, [])["core"] == "k\n"
    assert isinstance(told.commands, list)


def test_one_user_that_cannot_be_made_keeps_nobody_else_out(
    agent: Any, admitted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(user: dict[str, Any]) -> None:
        raise TypeError(user["name"])

    monkeypatch.setattr(agent.cloudwords, "make_user", fail)
    told = agent.seed.understood(CONFIG, b"")
    assert sorted(admitted(told, ["key"])) == ["core", "root"]
    assert "user 'ann': ann" in told.problems


def test_an_empty_seed_tells_nothing(agent: Any) -> None:
    told = agent.seed.understood(b"", b"")
    assert (told.name, told.keys, told.problems) == ("", [], [])


@pytest.fixture
def admitted(agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """seed.admit, and whom it let in with which keys."""
    made: list[str] = []
    monkeypatch.setattr(agent.seed, "KEYS", str(tmp_path / "keys"))
    monkeypatch.setattr(agent.seed, "SSHD", str(tmp_path / "sshd.conf"))
    monkeypatch.setattr(agent.cloudwords, "make_user", lambda user: made.append(user["name"]))

    def admit(told: Any, more: list[str]) -> dict[str, str]:
        agent.seed.admit(told, more)
        found = {path.name: path.read_text() for path in (tmp_path / "keys").iterdir()}
        assert (tmp_path / "sshd.conf").read_text().startswith("AuthorizedKeysFile ")
        assert sorted(found) == sorted(["core", "root", *made])
        return found

    return admit


def test_each_user_has_its_own_keys_and_root_the_general_ones(agent: Any, admitted: Any) -> None:
    told = agent.seed.understood(CONFIG, b"")
    assert admitted(told, ["disk"]) == {
        "core": "disk\nssh-ed25519 AAAA general\n",
        "root": "disk\nssh-ed25519 AAAA general\n",
        "ann": "ssh-ed25519 BBBB ann\n",
    }


def test_root_can_be_closed(agent: Any, admitted: Any) -> None:
    told = agent.seed.understood(CONFIG + b"disable_root: true\n", b"")
    assert admitted(told, [])["root"] == ""


def test_files_are_written_as_described(agent: Any, tmp_path: Path) -> None:
    path = tmp_path / "a/b"
    write = agent.cloudwords.write_file
    write({"path": str(path), "content": "one\n", "permissions": "0600"})
    assert path.read_text() == "one\n"
    assert path.stat().st_mode & 0o777 == 0o600
    packed = base64.b64encode(b"two\n").decode()
    write({"path": str(path), "content": packed, "encoding": "b64", "append": True})
    assert path.read_text() == "one\ntwo\n"
    for wrong in ({"path": "relative"}, {"path": str(path), "encoding": "gz+b64"}):
        with pytest.raises(ValueError, match=r"root|encoding"):
            write(wrong)


def test_a_users_name_is_no_option(agent: Any) -> None:
    with pytest.raises(ValueError, match="no name"):
        agent.cloudwords.make_user({"name": "--root=/"})


def test_a_users_sudo_is_a_line(
    agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: dict[str, bytes] = {}
    monkeypatch.setattr(agent.cloudwords, "_add", lambda _name, _user: None)
    monkeypatch.setattr(
        agent.cloudwords, "_write", lambda path, text, _mode: written.update({path: text})
    )
    agent.cloudwords.make_user({"name": "b2pnobody", "sudo": ["ALL=(ALL) ALL"]})
    assert written == {"/etc/sudoers.d/90-b2pnobody": b"b2pnobody ALL=(ALL) ALL\n"}
    with pytest.raises(ValueError, match="more than a line"):
        agent.cloudwords.make_user({"name": "b2pnobody", "sudo": "a\nroot ALL"})


@pytest.fixture
def blocks(agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Block devices are files here."""
    monkeypatch.setattr(agent.disk, "own_device", lambda: None)
    monkeypatch.setattr(agent.volumes, "devices", lambda: sorted(map(str, tmp_path.glob("disk-*"))))
    return tmp_path


def test_the_seed_is_known_by_its_label(agent: Any, blocks: Path) -> None:
    family = families.by_name("b2p-iso")
    assert isinstance(family.provisioner, NoCloud)
    volume = nocloud.iso(nocloud.seed(family, family.provisioner, told_by_b2p()))
    (blocks / "disk-a").write_bytes(volume)
    assert agent.volumes.label(str(blocks / "disk-a")) == "cidata"
    (blocks / "disk-b").write_bytes(bytes(1 << 20))
    assert agent.volumes.label(str(blocks / "disk-b")) == ""
    assert agent.volumes.label(str(blocks / "not-there")) == ""


def test_a_format_me_disk_is_found_with_its_keys(agent: Any, blocks: Path) -> None:
    family = families.by_name("boot2podman")
    assert isinstance(family.provisioner, UserdataDisk)
    (blocks / "disk-a").write_bytes(bytes(1 << 20))
    (blocks / "disk-b").write_bytes(userdata.disk_start(family.provisioner, told_by_b2p()))
    found = agent.volumes.data()
    assert (found.device, found.is_new) == (str(blocks / "disk-b"), True)
    assert agent.volumes.keys(found) == [KEY]


def test_one_that_tar_made_is_as_good(agent: Any, blocks: Path) -> None:
    with tarfile.open(blocks / "disk-a", "w") as archive:
        for name, text in ((ports.FORMAT_ME, "x"), (".ssh/authorized_keys", f"{KEY}\n\nother\n")):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    assert agent.volumes.keys(agent.volumes.data()) == [KEY, "other"]


def test_a_disk_without_an_archive_brings_no_keys(agent: Any, blocks: Path) -> None:
    (blocks / "disk-a").write_bytes(ports.FORMAT_ME.encode().ljust(4096, b"\0"))
    assert agent.volumes.keys(agent.volumes.data()) == []


def test_a_disk_that_was_made_before_comes_before_one_to_be_made(agent: Any, blocks: Path) -> None:
    (blocks / "disk-a").write_bytes(ports.FORMAT_ME.encode().ljust(4096, b"\0"))
    superblock = bytearray(4096)
    superblock[1080:1082], superblock[1144:1152] = b"\x53\xef", b"b2p-data"
    (blocks / "disk-b").write_bytes(superblock)
    found = agent.volumes.data()
    assert (found.device, found.is_new) == (str(blocks / "disk-b"), False)


def test_other_disks_are_left_alone(agent: Any, blocks: Path) -> None:
    (blocks / "disk-a").write_bytes(bytes(4096))
    (blocks / "disk-b").write_bytes(b"boot2docker, please format-me".ljust(4096, b"\0"))
    assert agent.volumes.data() is None
