"""The words of ssh for a machine, and its keys; nothing of the user's own ssh settings matters."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from b2p.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ADDRESS = "127.0.0.1"
USER = "core"
KEYGEN_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A machine as ssh needs to know it."""

    name: str
    port: int
    key: Path
    """The user's private key."""
    known_hosts: Path
    user: str = USER
    agent: str = ""
    """The socket of the host's ssh agent, which is lent to the machine; empty: none is."""


class Outcome(Protocol):
    """What came of a command."""

    @property
    def stdout(self) -> bytes:
        """What it said."""


class Runner(Protocol):
    """Runs a command to its end and raises B2PError when it fails, as host/process.py does."""

    def __call__(self, command: Sequence[str], /, *, timeout: float) -> Outcome: ...


def alias(name: str) -> str:
    """What a machine is called in known_hosts, since its port may change."""
    return f"b2p-{name}"


def argv(
    target: Target,
    command: str = "",
    *,
    terminal: bool,
    program: str = "ssh",
    options: Sequence[str] = (),
) -> list[str]:
    """The words that start ssh; no `command`: a login shell.

    `command` is a line for the guest's shell: shlex.join makes one of words. With `terminal` the
    guest's side gets one too; without, nothing is ever asked. `options` come before b2p's own
    destination, so that -L, -A and the like can be given; of options given twice ssh takes the
    first, and b2p's are first.
    """
    settings = {
        **_settings(target),
        "GlobalKnownHostsFile": "/dev/null",
        "PreferredAuthentications": "publickey",
        # Of a busy, emulated guest the banner takes its time.
        "ConnectTimeout": "30",
        "BatchMode": "no" if terminal else "yes",
    }
    words = [program, "-F", "/dev/null", "-p", str(target.port)]
    for key, value in settings.items():
        words += ["-o", f"{key}={value}"]
    words += ["-t" if terminal else "-T", *options, f"{target.user}@{ADDRESS}"]
    return [*words, "--", command] if command else words


def _settings(target: Target) -> dict[str, str]:
    """What every ssh to the machine has to know; nothing of the user's own is used or changed."""
    # Without an IdentityAgent ssh takes it that there is none to forward.
    agent = {"IdentityAgent": "none"}
    if target.agent:
        agent = {"IdentityAgent": _quoted(target.agent), "ForwardAgent": "yes"}
    return {
        "IdentityFile": _quoted(target.key),
        "UserKnownHostsFile": _quoted(target.known_hosts),
        "HostKeyAlias": alias(target.name),
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "UpdateHostKeys": "no",
        "LogLevel": "ERROR",
        **agent,
    }


def block(target: Target) -> str:
    """The machine as ssh_config has it: `ssh b2p-NAME`, scp, rsync and editors find it so."""
    settings = {
        "HostName": ADDRESS,
        "Port": str(target.port),
        "User": target.user,
        **_settings(target),
    }
    lines = "".join(f"  {key} {value}\n" for key, value in settings.items())
    return f"Host {alias(target.name)}\n{lines}"


def include(pattern: Path) -> str:
    """The line for the user's own ssh_config that brings in the blocks of all machines."""
    return f"Include {_quoted(pattern)}"


def known_hosts(name: str, public_key: str) -> str:
    """The content of a machine's known_hosts; `public_key` as ssh-keygen writes it."""
    kind, material, *_ = public_key.split()
    return f"{alias(name)} {kind} {material}\n"


def keygen(path: Path, *, comment: str = "b2p", program: str = "ssh-keygen") -> list[str]:
    """The words that make a key at `path` and `path`.pub."""
    return [program, "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)]


def ensure_key(path: Path, run: Runner, *, comment: str = "b2p") -> str:
    """The public key of the private one at `path`; both are made where they are missing.

    Safe when two b2p do it at once: one of the keys wins, and both return that one. Raises
    HostError where ssh-keygen is missing, or `run`'s error where it fails.
    """
    public = path.with_name(f"{path.name}.pub")
    if not path.exists():
        _make(path, run, comment)
    with contextlib.suppress(FileNotFoundError):
        if text := public.read_text().strip():
            return text
    command = [tool("ssh-keygen"), "-y", "-f", str(path)]
    text = run(command, timeout=KEYGEN_TIMEOUT).stdout.decode().strip()
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".key-") as directory:
        aside = Path(directory) / public.name
        aside.write_text(f"{text}\n")
        aside.chmod(0o600)
        aside.replace(public)
    return text


def tool(name: str, *, which: Callable[[str], str | None] = shutil.which) -> str:
    """The path of ssh or ssh-keygen; raises HostError where OpenSSH's client is missing."""
    found = which(name)
    if found is None:
        raise HostError(
            f"the program {name!r} is not installed",
            "install OpenSSH's client (Debian: openssh-client, Fedora: openssh-clients)",
        )
    return found


def _make(path: Path, run: Runner, comment: str) -> None:
    """Make a key aside and put it in place unless somebody was faster."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".key-") as directory:
        aside = Path(directory) / path.name
        run(keygen(aside, comment=comment, program=tool("ssh-keygen")), timeout=KEYGEN_TIMEOUT)
        try:
            # A link, unlike a rename, never takes the place of another's key.
            path.hardlink_to(aside)
        except FileExistsError:
            return
        except OSError:  # a file system without links
            aside.replace(path)


def _quoted(path: Path | str) -> str:
    """A path as a value of ssh_config: quoted for blanks, with % doubled, which begins a token."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"'
