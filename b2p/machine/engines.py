"""The engines that b2p's own image can have, and all in which they differ. Data only, pure.

How they differ within the guest stands in firmware/guest/usr/lib/b2p/agent/kinds.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from b2p.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One engine."""

    name: str
    """What the setting `engine` calls it."""
    image: str
    """What people see an image with it called."""
    apis: frozenset[str]
    """Of podman, docker, varlink: what it answers to at the machine's sockets."""
    packages: tuple[str, ...]
    """Debian's packages of it, beside the system's."""
    gate: str
    """The file in the guest at whose reading it waits for the machine's data: agent/gate.py."""
    beside_gate: str = "/run/b2p/gate"
    """A file that it looks for when it begins, so it is there before, empty."""
    is_rootless: bool = False
    """Whether the machine's user has one of its own."""
    registries: str = "podman"
    """Whose words for registries it takes: see machine/registries.py."""
    folder: str = ""
    """In firmware/: files that come over those of every image; empty: none."""
    leaves_out: str = ""
    """Files of every image, as a regular expression, that one with this engine has not."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What docker's clients are told beside its address."""

    @property
    def words(self) -> dict[str, str]:
        """What firmware is filled with, by the name that stands there between two @."""
        return {"ENGINE": self.name, "GATE": self.gate, "BESIDE_GATE": self.beside_gate}

    def has_file(self, path: str) -> bool:
        """Whether its image has that file of every image's ("usr/bin/varlink")."""
        return not self.leaves_out or not re.match(self.leaves_out, path)


PODMAN = Engine(
    name="podman",
    image="boot2podman",
    apis=frozenset({"podman", "docker", "varlink"}),
    # podman's own package carries buildah's code, so `podman build` needs no more.
    packages=(
        "podman", "crun", "netavark", "aardvark-dns", "passt", "uidmap", "catatonit",
        "golang-github-containers-common", "gpg", "gpg-agent", "python3-varlink",
    ),
    gate="/etc/containers/containers.conf.d/00-b2p-gate.conf",
    beside_gate="/etc/containers/containers.conf.d/b2p-proxies.conf",
    is_rootless=True,
    variables={
        # podman 5.4 calls itself 1.41, which docker's CLI 29 refuses; asked for 1.44 it answers.
        "DOCKER_API_VERSION": "1.44",
        # It has no BuildKit; docker compose would start one in a container, which it has to pull.
        "DOCKER_BUILDKIT": "0",
    },
)  # fmt: skip

DOCKER = Engine(
    name="docker",
    image="boot2podman, engine docker",
    apis=frozenset({"docker"}),
    packages=(
        "docker.io", "containerd", "runc", "tini", "iptables", "docker-cli", "docker-buildx",
        "docker-compose", "xz-utils",
    ),
    gate="/etc/docker/daemon.json",
    registries="docker",
    folder="docker",
    leaves_out=r"etc/containers/|usr/local/bin/podman$|usr/bin/varlink$"
    r"|usr/lib/b2p/(?:varlink_|docker_filter/|serving\.py|conmon$)"
    r"|usr/lib/systemd/system/(?:podman\.|b2p-(?:varlink|docker|core))",
)  # fmt: skip

ALL = {one.name: one for one in (PODMAN, DOCKER)}


def by_name(name: str) -> Engine:
    """The engine that a record or a manifest names; StateError for one of a later b2p."""
    try:
        return ALL[name]
    except KeyError:
        raise StateError(
            f"the engine {name!r} is none that this b2p knows", "use the b2p that made it"
        ) from None
