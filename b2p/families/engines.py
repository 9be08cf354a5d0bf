"""Sockets of engines that several families have in the same place. Data only."""

from __future__ import annotations

from b2p.families.model import Engine

PODMAN = Engine(api="podman", path="/run/podman/podman.sock", unit="podman.socket")
"""Root's podman 2 or newer under systemd; reached by a forwarder."""

DOCKER = Engine(api="docker", path="/run/docker.sock", unit="docker.socket")
"""Docker's daemon under systemd; reached by a forwarder."""

DOCKER_BY_SSH = Engine(api="docker", path="/var/run/docker.sock", root=False, reach="ssh")
"""A daemon that always runs, whose socket the family's user may open."""

VARLINK_UNIT = Engine(api="varlink", path="/run/podman/io.podman", unit="io.podman.socket")
"""podman 1.x under systemd."""

VARLINK_BRIDGE = "sudo varlink -A 'podman varlink $VARLINK_ADDRESS' bridge"
"""What podman's clients of 2019 ran over ssh."""
