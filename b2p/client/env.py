"""What `b2p env` prints: variables that lead clients to a machine, for each kind of shell. Pure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import PurePath

Shell = Literal["sh", "fish"]

DOCKER_API_VERSION = "1.44"
"""podman 5.4 calls itself 1.41, which docker's CLI 29 refuses; asked for 1.44 it answers."""
DOCKER_BUILDKIT = "0"
"""podman has no BuildKit; docker compose would start one in a container, which it has to pull."""
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
BRIDGE_COMMAND = "varlink bridge"


def variables(socket: PurePath, *, docker: bool, testcontainers: bool = False) -> dict[str, str]:
    """The variables for the engine at a socket.

    With `docker` those of docker's clients too, with `testcontainers` those of its as well.
    """
    found = {"CONTAINER_HOST": url_of(socket)}
    if docker or testcontainers:
        # Docker's clients take what comes after unix:// as it is.
        found |= {
            "DOCKER_HOST": f"unix://{socket}",
            "DOCKER_API_VERSION": DOCKER_API_VERSION,
            "DOCKER_BUILDKIT": DOCKER_BUILDKIT,
        }
    return found | (TESTCONTAINERS if testcontainers else {})


def varlink_address(address: PurePath | tuple[str, int]) -> dict[str, str]:
    """The variable for varlink at a socket's path or at (host, port)."""
    if isinstance(address, tuple):
        return {"PODMAN_VARLINK_ADDRESS": f"tcp:{address[0]}:{address[1]}"}
    return {"PODMAN_VARLINK_ADDRESS": f"unix:{address}"}


def varlink_bridge(ssh: Sequence[str]) -> dict[str, str]:
    """The variable for varlink through ssh, whose words end with the command in the guest."""
    return {"PODMAN_VARLINK_BRIDGE": shlex.join(ssh)}


def exports(values: Mapping[str, str], shell: Shell) -> str:
    """Lines for `eval`, or in fish for `source`, that set these variables."""
    if shell == "fish":
        return "".join(f"set -gx {name} {_fish(value)};\n" for name, value in values.items())
    # With a semicolon they survive `eval $(b2p env)`, which makes one line of them.
    return "".join(f"export {name}={shlex.quote(value)};\n" for name, value in values.items())


def unsets(
    shell: Shell, *, docker: bool = False, testcontainers: bool = False, varlink: bool = False
) -> str:
    """Lines that take the variables away again."""
    names = VARLINK_NAMES if varlink else NAMES if docker or testcontainers else NAMES[:1]
    if testcontainers:
        names = (*names, *TESTCONTAINERS)
    order = "set -e" if shell == "fish" else "unset"
    return "".join(f"{order} {name};\n" for name in names)


def shell_of(program: str) -> Shell:
    """The kind of shell that a path such as $SHELL's names; sh for all that read its language."""
    name = program.rpartition("/")[2].removeprefix("-").removesuffix(".exe")
    return "fish" if name == "fish" else "sh"


def url_of(socket: PurePath) -> str:
    """A socket as podman's and Go's URL parsers give it back: only what would end it is encoded."""
    return "unix://" + "".join(quote(one) if one in "%?#" else one for one in str(socket))


def _fish(value: str) -> str:
    """A word in fish: within single quotes only a backslash and the quote mean something."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
