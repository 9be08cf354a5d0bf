"""The words of ssh, read back by the ssh that is installed."""

from __future__ import annotations

import shutil
import stat
import subprocess
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from b2p.client import ssh
from b2p.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Sequence

TARGET = ssh.Target(
    name="default", port=40001, key=Path("/d/id_ed25519"), known_hosts=Path("/d/known_hosts")
)
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE b2p\n"

needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed")


def run(command: Sequence[str], /, *, timeout: float) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command, timeout=timeout, check=True, capture_output=True, stdin=subprocess.DEVNULL
    )


def understood(words: list[str]) -> dict[str, str]:
    """What ssh itself makes of them, without connecting."""
    said = run([words[0], "-G", *words[1:]], timeout=10).stdout.decode()
    return dict(line.split(" ", 1) for line in said.splitlines() if " " in line)


def test_nothing_of_the_users_own_settings_matters() -> None:
    words = ssh.argv(TARGET, terminal=False)
    assert words[:5] == ["ssh", "-F", "/dev/null", "-p", "40001"]
    for setting in (
        "StrictHostKeyChecking=yes",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "HostKeyAlias=b2p-default",
        "GlobalKnownHostsFile=/dev/null",
    ):
        assert setting in words
    assert words[-1] == "core@127.0.0.1"


def test_without_a_terminal_nothing_is_asked() -> None:
    assert {"BatchMode=yes", "-T"} <= set(ssh.argv(TARGET, terminal=False))
    words = ssh.argv(TARGET, terminal=True)
    assert "-t" in words
    assert "BatchMode=yes" not in words


def test_a_command_comes_last_as_one_line() -> None:
    words = ssh.argv(TARGET, "ls | wc -l", terminal=False, options=["-A"])
    assert words[-4:] == ["-A", "core@127.0.0.1", "--", "ls | wc -l"]


@needs_ssh
@pytest.mark.parametrize(
    "odd", ["plain", "a b", 'q"uote', "per%dcent", "back\\slash", "com,ma", "ü"]
)
def test_ssh_reads_odd_paths_back_whole(tmp_path: Path, odd: str) -> None:
    home = tmp_path / odd
    home.mkdir()
    key, known_hosts = home / "id", home / "known"
    target = ssh.Target(name="a", port=1, key=key, known_hosts=known_hosts, user="root")
    found = understood(ssh.argv(target, terminal=False))
    unescaped = {name: found[name].replace("%%", "%") for name in ("identityfile",)}
    assert unescaped["identityfile"].strip('"') == str(key)
    assert str(known_hosts) in found["userknownhostsfile"].replace("%%", "%")
    assert (found["port"], found["user"]) == ("1", "root")


@needs_ssh
def test_ssh_finds_the_host_key_by_its_alias(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(ssh.known_hosts("default", PUBLIC))
    said = run(["ssh-keygen", "-F", "b2p-default", "-f", str(path)], timeout=10).stdout.decode()
    assert PUBLIC.split()[1] in said


@needs_ssh
def test_a_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "a key"
    public = ssh.ensure_key(path, run)
    assert public.startswith("ssh-ed25519 ")
    assert public.endswith(" b2p")
    assert ssh.ensure_key(path, run) == public
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a key", "a key.pub"]


@needs_ssh
def test_a_lost_public_key_is_made_again_from_the_private_one(tmp_path: Path) -> None:
    path = tmp_path / "key"
    public = ssh.ensure_key(path, run)
    (tmp_path / "key.pub").unlink()
    assert ssh.ensure_key(path, run) == public
    assert (tmp_path / "key.pub").read_text() == f"{public}\n"


@needs_ssh
def test_two_at_once_agree_on_one_key(tmp_path: Path) -> None:
    made: list[str] = []
    barrier = threading.Barrier(2)

    def make() -> None:
        barrier.wait()
        made.append(ssh.ensure_key(tmp_path / "key", run))

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    private = run(["ssh-keygen", "-y", "-f", str(tmp_path / "key")], timeout=10).stdout.decode()
    assert made == [private.strip()] * 2


def test_a_missing_ssh_says_what_to_install() -> None:
    with pytest.raises(HostError, match="'ssh' is not installed") as caught:
        ssh.tool("ssh", which=lambda _: None)
    assert "openssh-client" in caught.value.hint


@needs_ssh
def test_a_lent_agent_is_forwarded_and_no_key_of_it_is_tried() -> None:
    said = understood(ssh.argv(replace(TARGET, agent="/tmp/a gent%"), terminal=False))
    assert said["identityagent"] == "/tmp/a gent%"
    assert (said["forwardagent"], said["identitiesonly"]) == ("yes", "yes")
    said = understood(ssh.argv(TARGET, terminal=False))
    assert (said["identityagent"], said["forwardagent"]) == ("none", "no")


@needs_ssh
def test_the_block_for_ssh_says_what_the_words_say(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(ssh.block(TARGET))
    said = understood(["ssh", "-F", str(config), ssh.alias(TARGET.name)])
    direct = understood(ssh.argv(TARGET, terminal=False))
    keys = (
        *("hostname", "port", "user", "identityfile", "userknownhostsfile", "hostkeyalias"),
        *("stricthostkeychecking", "identitiesonly", "identityagent", "updatehostkeys"),
    )
    assert {key: said[key] for key in keys} == {key: direct[key] for key in keys}


@needs_ssh
def test_the_blocks_of_all_machines_are_included_by_one_line(tmp_path: Path) -> None:
    machines = tmp_path / "my machines"
    (machines / "default").mkdir(parents=True)
    (machines / "default/ssh_config").write_text(ssh.block(TARGET))
    config = tmp_path / "config"
    config.write_text(ssh.include(machines / "*" / "ssh_config") + "\n")
    said = understood(["ssh", "-F", str(config), ssh.alias(TARGET.name)])
    assert said["port"] == "40001"
