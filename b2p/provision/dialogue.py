"""What is typed at a guest's serial console, and what has to come back: a script as data. Pure.

Whoever runs it types a step's text, waits for what it expects or for one of its failures, and goes
on. No prompt is trusted once the shell is there: each command ends by printing a mark that its own
echo cannot hold, with its exit status, so kernel lines in between and a slow guest change nothing.
"""

from __future__ import annotations

import itertools
import re
import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from b2p.errors import GuestError
from b2p.provision import contents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from b2p.families.model import Console, Dialogue, Family
    from b2p.provision.told import Told

CHUNK = 160
"""Characters of a file typed in one command: terminals and emulated ports lose long lines."""

_LOGIN = rb"(?:^|[\r\n])[^\r\n]*login: ?"
_PASSWORD = rb"[Pp]assword: ?"
_SHELL = rb"[#$>%~] ?(?:\x1b\[[0-9;?]*[a-zA-Z])*$"


@dataclass(frozen=True, slots=True)
class Failure:
    """What means that a step cannot succeed, and what a person is told then."""

    pattern: bytes
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`send` is typed first (if anything), then `expect` is waited for."""

    purpose: str
    """For the person who waits, and for errors: "logging in"."""
    expect: bytes
    """A regular expression; its group `status` (if it has one) must be 0 unless `may_fail`."""
    send: bytes = b""
    secret: bool = False
    """Whether what is sent must not be shown."""
    seconds: float = 60.0
    """For one try, without emulation's slowness, which the runner knows."""
    tries: int = 1
    """How often it is sent: what was typed while the guest still started is lost."""
    may_fail: bool = False
    """Whether the way goes on after another status, or when nothing comes."""
    failures: tuple[Failure, ...] = ()
    keeps: str = ""
    """The name of the match's group `text`, which the caller gets."""
    unless: bytes = b""
    """If this comes instead, the step is done and so is the next: a password not asked for."""


def script(family: Family, recipe: Dialogue, told: Told, token: str) -> tuple[Step, ...]:
    """All that brings the guest from its first line to an engine that answers and known host keys.

    `token` is a word nobody can guess, so that nothing else on the console passes for an answer.
    """
    shell = _Shell(recipe.sudo, token)
    return (
        *login(family.console, shell),
        *_keys(family, told, shell),
        *_files(family, told, shell),
        *_services(family, shell),
        host_key(family, shell),
        Step(purpose="logging out", send=b"exit\r", expect=_LOGIN, may_fail=True, seconds=10),
    )


def reading(family: Family, token: str) -> tuple[Step, ...]:
    """Only logs in and reads the host key, where another provisioner does the rest."""
    sudo = "" if family.console.login == "root" else "sudo "
    shell = _Shell(sudo, token)
    return (*login(family.console, shell), host_key(family, shell))


def login(console: Console, shell: _Shell) -> Iterator[Step]:
    """To a shell that answers, quiet and without an echo."""
    if not (console.login or console.autologin):
        raise GuestError(
            "console",
            "nobody can log in on this guest's serial console",
            "an image is needed whose family can be told its user another way",
        )
    failures: tuple[Failure, ...] = ()
    if not console.autologin:
        yield from _name_and_password(console)
        failures = _refusals(console)
    ready = "stty -echo 2>/dev/null; unset PROMPT_COMMAND; PS1="
    answer = shell.run("waiting for a shell", ready, tries=10, seconds=15)
    yield replace(answer, failures=failures)
    quiet = f"{shell.sudo}dmesg -n 1"
    yield shell.run("silencing the kernel", quiet, may_fail=True)


def _name_and_password(console: Console) -> Iterator[Step]:
    # The guest prints its prompt once, perhaps before anybody looked: Return brings another one.
    yield Step(purpose="waiting for the login", send=b"\r", expect=_LOGIN, tries=20, seconds=15)
    name = f"{console.login}\r".encode()
    if not console.password:
        # What comes next is either a shell or a question, and the next step can tell.
        yield Step(purpose="logging in", send=name, expect=rb"\n")
        return
    yield Step(
        purpose="logging in",
        send=name,
        expect=_PASSWORD,
        unless=_SHELL,
        failures=_refusals(console),
    )
    yield Step(
        purpose="giving the password",
        send=f"{console.password}\r".encode(),
        secret=True,
        expect=rb"\n",
    )


def _refusals(console: Console) -> tuple[Failure, ...]:
    wrong = Failure(
        rb"[Ll]ogin incorrect",
        f"the guest does not let {console.login!r} log in on its console",
        "this image has another password than its family's",
    )
    if console.password:
        return (wrong,)
    asked = Failure(
        _PASSWORD,
        f"the guest asks for a password of {console.login!r} that b2p does not know",
        "use an image whose family is known, or one with cloud-init or Ignition",
    )
    return (asked, wrong)


@dataclass(frozen=True, slots=True)
class _Shell:
    """Makes steps of commands."""

    sudo: str
    token: str
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def run(
        self,
        purpose: str,
        command: str,
        *,
        tries: int = 1,
        seconds: float = 60.0,
        may_fail: bool = False,
        keeps: str = "",
    ) -> Step:
        """A step that is done when the command ended; `keeps` names what it printed."""
        # A number for each step: of one that was typed twice the second answer comes late.
        words = f"{self.token} {next(self.numbers)}"
        # The echo of this line has the words apart from one another, so it is never the answer.
        line = (
            f"printf '\\n%s:%s:%s\\n' b2p:begin {words}; {command}"
            f"; printf '\\n%s:%s:%s:%s\\n' b2p:end {words} $?"
        )
        mark = re.escape(words.replace(" ", ":").encode())
        answer = rb"b2p:end:" + mark + rb":(?P<status>[0-9]+)\r?\n"
        if keeps:
            start = rb"b2p:begin:" + mark + rb"\r?\n"
            answer = start + rb"(?P<text>(?s:.)*?)\r?\n" + answer
        failed = Failure(rb"[Pp]assword(?: for [^:\r\n]*)?: ?$", f"{purpose} asks for a password")
        return Step(
            purpose=purpose,
            send=f"{line}\r".encode(),
            expect=answer,
            tries=tries,
            seconds=seconds,
            may_fail=may_fail,
            failures=() if tries > 1 else (failed,),
            keeps=keeps,
        )

    def write(self, purpose: str, file: contents.GuestFile) -> Iterator[Step]:
        """The file in pieces, aside, then to its place with its mode."""
        aside = f"/tmp/.b2p-{self.token}"  # noqa: S108 - a name nobody guesses, and umask 077
        yield self.run(purpose, f"rm -f {aside}; (umask 077; : >{aside})")
        for piece in _pieces(file.text):
            step = self.run(purpose, f"printf '%b' {shlex.quote(piece)} >>{aside}")
            yield replace(step, secret=not file.mode & 0o077)
        directory = file.path.rpartition("/")[0] or "/"
        sudo, path = self.sudo, shlex.quote(file.path)
        yield self.run(
            purpose,
            f"{sudo}mkdir -p {shlex.quote(directory)} && {sudo}cp {aside} {path}"
            f" && {sudo}chown 0:0 {path} && {sudo}chmod {file.mode:o} {path} && rm {aside}",
        )


def _pieces(text: str) -> Iterator[str]:
    """Arguments for printf's %b, one line each, none so long that a terminal cuts it."""
    escaped: list[str] = []
    for char in text:
        plain = char.isascii() and char.isprintable() and char not in "\\'"
        escaped += [char] if plain else [f"\\0{byte:03o}" for byte in char.encode()]
    piece = ""
    for word in escaped:
        if len(piece) + len(word) > CHUNK:
            yield piece
            piece = ""
        piece += word
    if piece:
        yield piece


def _keys(family: Family, told: Told, shell: _Shell) -> Iterator[Step]:
    user = family.user
    directory = f"{user.home_path}/.ssh"
    file = contents.GuestFile(f"{directory}/authorized_keys", told.authorized_keys, 0o600)
    yield from shell.write("giving the user's key", file)
    owner = f"{user.name}:{user.group or f'$(id -gn {user.name})'}"
    yield shell.run(
        "giving the user's key",
        f'{shell.sudo}chown -R "{owner}" {directory} && {shell.sudo}chmod 700 {directory}',
    )


def _files(family: Family, told: Told, shell: _Shell) -> Iterator[Step]:
    if family.places.hostname:
        yield shell.run("naming the guest", f"{shell.sudo}hostname {told.name}", may_fail=True)
    for file in contents.files(family, told):
        yield from shell.write(f"writing {file.path}", file)
    for unit in contents.units(family):
        path = f"{family.places.units}/{unit.name}"
        yield from shell.write(f"writing {path}", contents.GuestFile(path, unit.text))


def _services(family: Family, shell: _Shell) -> Iterator[Step]:
    sudo = shell.sudo
    if enabled := contents.enabled(family):
        yield shell.run("reading the units", f"{sudo}systemctl daemon-reload")
        units = " ".join(enabled)
        yield shell.run("starting the engine", f"{sudo}systemctl enable --now {units}")
    if family.places.ssh_host_key:
        # sshd reads its host keys when it starts; Debian calls it ssh.
        ways = ("systemctl restart {}", "/etc/init.d/{} restart")
        names = [way.format(name) for way in ways for name in ("sshd", "ssh")]
        restart = " || ".join(f"{sudo}{name} 2>/dev/null" for name in names)
        yield shell.run("restarting sshd", f"{{ {restart}; }}", may_fail=True)
    for engine in family.engines:
        if engine.start:
            background = f"{sudo}sh -c {shlex.quote(f'{engine.start} >/dev/null 2>&1 &')}"
            yield shell.run("starting the engine", background)


def host_key(family: Family, shell: _Shell) -> Step:
    """Reads the guest's public host key; the caller gets it as `host_key`."""
    path = f"{family.places.ssh_host_key}.pub"
    # A first boot makes the keys in its own time.
    wait = f"n=0; until [ -s {path} ] || [ $n -ge 60 ]; do n=$((n+1)); sleep 1; done"
    return shell.run("reading the host key", f"{wait}; cat {path}", keeps="host_key", seconds=90)
