"""The kinds of images, one record of data each, and the register of them. Pure."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from b2p.errors import UsageError
from b2p.families.boot2docker import BOOT2DOCKER
from b2p.families.boot2podman import BOOT2PODMAN
from b2p.families.boot2podman_fedora import BOOT2PODMAN_FEDORA
from b2p.families.centos_atomic import CENTOS_ATOMIC
from b2p.families.container_linux import CONTAINER_LINUX
from b2p.families.debian import DEBIAN
from b2p.families.exported import B2P_DISK, B2P_ISO
from b2p.families.fedora import FEDORA
from b2p.families.fedora_atomic import FEDORA_ATOMIC
from b2p.families.fedora_coreos import FEDORA_COREOS
from b2p.families.flatcar import FLATCAR, FLATCAR_PODMAN
from b2p.families.generic import GENERIC_DISK, GENERIC_ISO
from b2p.families.minikube import MINIKUBE
from b2p.families.minishift import MINISHIFT_B2D, MINISHIFT_CENTOS7
from b2p.families.ubuntu import UBUNTU

if TYPE_CHECKING:
    from b2p.families.model import Family

EXPORTED: tuple[Family, ...] = (B2P_ISO, B2P_DISK)
"""Made by `b2p image export`, so there is nowhere to fetch them from."""

KNOWN: tuple[Family, ...] = (
    BOOT2PODMAN,
    BOOT2PODMAN_FEDORA,
    FEDORA_COREOS,
    FLATCAR,
    FLATCAR_PODMAN,
    CONTAINER_LINUX,
    DEBIAN,
    UBUNTU,
    FEDORA,
    MINIKUBE,
    BOOT2DOCKER,
    MINISHIFT_CENTOS7,
    MINISHIFT_B2D,
    FEDORA_ATOMIC,
    CENTOS_ATOMIC,
)
"""All that can be fetched and recognised, in the order in which they are shown."""

ALL: tuple[Family, ...] = (*EXPORTED, *KNOWN, GENERIC_DISK, GENERIC_ISO)

_BY_NAME = {name: family for family in ALL for name in (family.name, *family.aliases)}


def is_name(word: str) -> bool:
    """Whether the word names a family, as against a path or an address."""
    return word.lower() in _BY_NAME


def by_name(word: str) -> Family:
    """The family of that name or alias; raises UsageError with what may have been meant."""
    family = _BY_NAME.get(word.lower())
    if family is None:
        near = difflib.get_close_matches(word.lower(), _BY_NAME, n=1)
        names = ", ".join(family.name for family in ALL)
        hint = f"did you mean {near[0]!r}?" if near else f"the families are {names}"
        raise UsageError(f"there is no family of images called {word!r}", hint)
    return family
