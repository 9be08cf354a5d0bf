"""What `b2p env` prints: variables that lead clients to a machine, for each kind of shell. Pure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from b2p.machine.engines import PODMAN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import PurePath

    from b2p.machine.engines import Engine

Shell = Literal["sh", "fish", "tcsh", "powershell"]

NAMES = ("CONTAINER_HOST", "DOCKER_HOST", "DOCKER_API_VERSION", "DOCKER_BUILDKIT")
"""What leads podman's and docker's clients, in order."""
TESTCONTAINERS = {
    # Its reaper has to be pulled, and is a container that ends others: with podman it is left out.
    "TESTCONTAINERS_RYUK_DISABLED": "true",
    # For who enables it: the path of the engine's socket as the machine sees it.
    "TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE": "/var/run/docker.sock",
    # Ports are published there, and "localhost" may mean ::1; also where tests run in a container.
    "TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1",
    "TESTCONTAINERS_CONNECTION_MODE": "docker_host",
}
"""What leads testcontainers (its Java, Go and Python read most of them) besides docker's own."""
VARLINK_NAMES = ("PODMAN_VARLINK_ADDRESS", "PODMAN_VARLINK_BRIDGE")
"""What leads podman's clients of 2018 to 2020; they look at the bridge first."""
ELSEWHERE = (
    *("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_TLS"),
    *("CONTAINER_CONNECTION", "CONTAINER_SSHKEY"),
)
"""What would lead docker's or podman's clients away from the host that they are told."""
BRIDGE_COMMAND = "varlink bridge"


def variables(
    socket: PurePath, engine: Engine = PODMAN, *, docker: bool, testcontainers: bool = False
) -> dict[str, str]:
    """The variables for that engine at a socket.

    With `docker` those of docker's clients too, with `testcontainers` those of its as well; an
    engine that is not podman has no others.
    """
    is_podman = "podman" in engine.apis
    found = {"CONTAINER_HOST": url_of(socket)} if is_podman else {}
    if docker or testcontainers or not is_podman:
        # Docker's clients take what comes after unix:// as it is.
        found |= {"DOCKER_HOST": f"unix://{socket}", **engine.variables}
    return found | (TESTCONTAINERS if testcontainers else {})


def throwaway(
    environ: Mapping[str, str], socket: PurePath, engine: Engine = PODMAN
) -> dict[str, str]:
    """A whole environment that leads to the engine which one command has for itself."""
    dropped = {*ELSEWHERE, *NAMES}
    kept = {name: value for name, value in environ.items() if name not in dropped}
    return {**kept, **variables(socket, engine, docker=True, testcontainers=True)}


def varlink_address(address: PurePath | tuple[str, int]) -> dict[str, str]:
    """The variable for varlink at a socket's path or at (host, port)."""
    if isinstance(address, tuple):
        return {"PODMAN_VARLINK_ADDRESS": f"tcp:{address[0]}:{address[1]}"}
    return {"PODMAN_VARLINK_ADDRESS": f"unix:{address}"}


def varlink_bridge(ssh: Sequence[str]) -> dict[str, str]:
    """The variable for varlink through ssh, whose words end with the command in the guest."""
    return {"PODMAN_VARLINK_BRIDGE": shlex.join(ssh)}


def exports(values: Mapping[str, str], shell: Shell) -> str:
    """Lines that set these variables, for `eval`, `source` or Invoke-Expression."""
    write = _WRITERS[shell]
    return "".join(f"{write(name, value)};\n" for name, value in values.items())


def unsets(
    shell: Shell, *, docker: bool = False, testcontainers: bool = False, varlink: bool = False
) -> str:
    """Lines that take the variables away again."""
    names = VARLINK_NAMES if varlink else NAMES if docker or testcontainers else NAMES[:1]
    if testcontainers:
        names = (*names, *TESTCONTAINERS)
    return "".join(f"{_UNSET[shell].format(name)};\n" for name in names)


def shell_of(program: str) -> Shell:
    """The kind of shell that a path such as $SHELL's names; sh for all that read its language."""
    name = program.replace("\\", "/").rpartition("/")[2].removeprefix("-").removesuffix(".exe")
    return _KINDS.get(name, "sh")


def to_use(words: str, shell: Shell) -> str:
    """The line to copy that has a shell take the variables of such a command."""
    return _TO_USE[shell].format(words)


def url_of(socket: PurePath) -> str:
    """A socket as podman's and Go's URL parsers give it back: only what would end it is encoded."""
    return "unix://" + "".join(quote(one) if one in "%?#" else one for one in str(socket))


def _sh(name: str, value: str) -> str:
    # With a semicolon they survive `eval $(b2p env)`, which makes one line of them.
    return f"export {name}={shlex.quote(value)}"


def _fish(value: str) -> str:
    """A word in fish: within single quotes only a backslash and the quote mean something."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _tcsh(value: str) -> str:
    """A word in tcsh: history is expanded within quotes too, unless escaped."""
    escaped = value.replace("'", "'\\''").replace("!", "\\!")
    return f"'{escaped}'"


def _powershell(value: str) -> str:
    """A word in PowerShell: within single quotes only the quote means something."""
    doubled = value.replace("'", "''")
    return f"'{doubled}'"


_KINDS: dict[str, Shell] = {
    "fish": "fish",
    "tcsh": "tcsh",
    "csh": "tcsh",
    "pwsh": "powershell",
    "powershell": "powershell",
}
_WRITERS: dict[Shell, Callable[[str, str], str]] = {
    "sh": _sh,
    "fish": lambda name, value: f"set -gx {name} {_fish(value)}",
    "tcsh": lambda name, value: f"setenv {name} {_tcsh(value)}",
    "powershell": lambda name, value: f"$Env:{name} = {_powershell(value)}",
}
_UNSET: dict[Shell, str] = {
    "sh": "unset {}",
    "fish": "set -e {}",
    "tcsh": "unsetenv {}",
    "powershell": "Remove-Item Env:{} -ErrorAction Ignore",
}
_TO_USE: dict[Shell, str] = {
    "sh": '# eval "$({})"',
    "fish": "# {} | source",
    "tcsh": '# eval "`{}`"',
    "powershell": "# {} | Out-String | Invoke-Expression",
}
