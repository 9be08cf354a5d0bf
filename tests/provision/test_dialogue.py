"""Scripts for serial consoles, played against a login and a real shell on a terminal."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pexpect
import pytest

from b2p import families
from b2p.errors import GuestError
from b2p.families.engines import PODMAN
from b2p.families.model import Console, Dialogue, Places, User
from b2p.provision import dialogue
from b2p.provision.contents import GuestFile
from tests.provision import typist
from tests.provision.examples import HOST_KEY, HOST_KEY_PUBLIC, TOLD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from b2p.families.model import Family

TOKEN = secrets.token_hex(6)
RECIPE = Dialogue(sudo="")

GUEST = r"""
import os, sys, termios, threading, time
password, noise = sys.argv[1], sys.argv[2] == "noise"
if noise:
    def kernel():
        while True:
            os.write(1, b"\r\n[   12.345678] random: b2p login: no, a kernel line\r\n")
            time.sleep(0.005)
    threading.Thread(target=kernel, daemon=True).start()
def ask(text):
    os.write(1, text.encode())
    return sys.stdin.readline().strip()
print("Booting ...", flush=True)
while True:
    name = ask("guest login: ")
    if not name:
        continue
    if not password:
        break
    settings = termios.tcgetattr(0)
    quiet = settings[:3] + [settings[3] & ~termios.ECHO] + settings[4:]
    termios.tcsetattr(0, termios.TCSANOW, quiet)
    given = ask("Password: ")
    termios.tcsetattr(0, termios.TCSANOW, settings)
    print(flush=True)
    if given == password:
        break
    print("Login incorrect", flush=True)
if sys.argv[2] == "slow":
    time.sleep(1.3)
else:
    termios.tcflush(0, termios.TCIFLUSH)
if noise:
    os.spawnv(os.P_WAIT, "/bin/sh", ["sh", "-i"])
else:
    os.execv("/bin/sh", ["sh", "-i"])
"""


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    made = Guest(tmp_path)
    yield made
    made.end()


class Guest:
    """A terminal with a login, and programs that only note what they were asked."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.children: list[pexpect.spawn[bytes]] = []
        programs = root / "bin"
        programs.mkdir()
        for name in ("systemctl", "dmesg", "chown", "hostname"):
            (programs / name).write_text(f'#!/bin/sh\necho {name} "$@" >>{root}/asked\n')
            (programs / name).chmod(0o755)

    def family(self, console: Console) -> Family:
        places = Places(
            hostname=f"{self.root}/etc/hostname",
            ssh_host_key=f"{self.root}/etc/ssh/ssh_host_ed25519_key",
            registries=f"{self.root}/etc/registries.conf",
            proxy="",
            units=f"{self.root}/units",
        )
        user = User(name="somebody", home=f"{self.root}/home")
        generic = families.by_name("generic-iso")
        return replace(generic, console=console, places=places, user=user, engines=(PODMAN,))

    def terminal(self, password: str = "", noise: str = "") -> pexpect.spawn[bytes]:
        environment = {"PATH": f"{self.root}/bin:/usr/bin:/bin", "PS1": "# ", "TERM": "dumb"}
        child: pexpect.spawn[bytes] = pexpect.spawn(
            sys.executable, ["-c", GUEST, password, noise], env=environment, timeout=5
        )
        child.delaybeforesend = None
        self.children.append(child)
        return child

    def end(self) -> None:
        for child in self.children:
            child.close(force=True)

    def asked(self) -> list[str]:
        return (self.root / "asked").read_text().splitlines()


@pytest.mark.parametrize("noise", ["", "noise", "slow"])
@pytest.mark.parametrize("password", ["", "tcuser"])
def test_everything_arrives_whatever_the_kernel_says_in_between(
    guest: Guest, password: str, noise: str
) -> None:
    family = guest.family(Console(login="root", password=password))
    steps = dialogue.script(family, RECIPE, TOLD, TOKEN)
    kept = typist.run(steps[:-1], guest.terminal(password, noise))
    keys = guest.root / "home/.ssh/authorized_keys"
    assert keys.read_text() == TOLD.authorized_keys
    key = guest.root / "etc/ssh/ssh_host_ed25519_key"
    assert key.read_text() == HOST_KEY
    assert key.stat().st_mode & 0o777 == 0o600
    assert (guest.root / "etc/hostname").read_text() == "work\n"
    assert "/run/podman/podman.sock" in (guest.root / "units/b2p-podman.service").read_text()
    assert HOST_KEY_PUBLIC.strip() in kept["host_key"]
    assert "systemctl enable --now podman.socket b2p-podman.socket" in guest.asked()


def test_a_wrong_password_is_said(guest: Guest) -> None:
    family = guest.family(Console(login="root", password="centos"))
    with pytest.raises(GuestError, match="does not let 'root' log in"):
        typist.run(dialogue.script(family, RECIPE, TOLD, TOKEN), guest.terminal("another"))


def test_a_password_that_nobody_knows_is_said(guest: Guest) -> None:
    family = guest.family(Console(login="root"))
    with pytest.raises(GuestError, match="asks for a password of 'root'"):
        typist.run(dialogue.script(family, RECIPE, TOLD, TOKEN), guest.terminal("secret"))


def test_no_login_is_known() -> None:
    family = replace(families.by_name("generic-iso"), console=Console())
    with pytest.raises(GuestError, match="nobody can log in"):
        dialogue.script(family, RECIPE, TOLD, TOKEN)


def test_a_guest_that_logs_in_by_itself_is_only_asked_for_its_key(guest: Guest) -> None:
    family = guest.family(Console(login="root", autologin=True))
    key = guest.root / "etc/ssh/ssh_host_ed25519_key.pub"
    key.parent.mkdir(parents=True)
    key.write_text(HOST_KEY_PUBLIC)
    child: pexpect.spawn[bytes] = pexpect.spawn(
        "/bin/sh", ["-i"], env={"PATH": f"{guest.root}/bin:/usr/bin:/bin", "PS1": "$ "}
    )
    guest.children.append(child)
    kept = typist.run(dialogue.reading(family, TOKEN), child)
    assert kept == {"host_key": HOST_KEY_PUBLIC.strip()}
    assert guest.asked() == ["dmesg -n 1"]


def test_an_answer_that_comes_late_is_not_another_steps() -> None:
    steps = dialogue.script(families.by_name("generic-iso"), RECIPE, TOLD, TOKEN)
    answers = [step.expect for step in steps if b"status" in step.expect]
    assert len(answers) == len(set(answers))


def test_no_line_typed_could_pass_for_its_own_answer() -> None:
    family = families.by_name("generic-iso")
    for step in dialogue.script(family, RECIPE, TOLD, TOKEN):
        if b"status" in step.expect:
            assert not re.search(step.expect, step.send.replace(b"\r", b"\r\n"))


def test_lines_are_short_enough_for_any_terminal() -> None:
    steps = dialogue.script(families.by_name("generic-iso"), RECIPE, TOLD, TOKEN)
    assert max(len(step.send) for step in steps) < 512
    assert all(b"\n" not in step.send and step.send.isascii() for step in steps)


def test_nothing_that_may_be_shown_holds_a_secret() -> None:
    family = families.by_name("boot2podman-fedora")
    steps = dialogue.script(family, RECIPE, TOLD, TOKEN)
    shown = b"".join(step.send for step in steps if not step.secret)
    assert b"fedora" not in shown
    assert not any(line.encode() in shown for line in HOST_KEY.splitlines())
    assert HOST_KEY.splitlines()[1] not in repr(TOLD)


@pytest.mark.parametrize(
    "text", ["", "a'b\"c`d$e\\f%g\n\n", "ü🙂\t\x07", "\\0101 \\n\n", "9" * 700]
)
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_shell_puts_the_pieces_together_again(text: str, shell: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    made = dialogue._Shell("", TOKEN).write("", GuestFile(str(path), text))
    script = "chown() { :; }\n" + "\n".join(step.send.decode().strip("\r") for step in made)
    subprocess.run([shell, "-c", script], stdout=subprocess.DEVNULL, check=True)
    assert path.read_text() == text
