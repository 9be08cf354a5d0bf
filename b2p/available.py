"""The kinds of images that b2p boots, as people and programs are shown them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from b2p.families import ALL
from b2p.families.model import Dialogue, Ignition, NoCloud, UserdataDisk
from b2p.image import recipe

if TYPE_CHECKING:
    from b2p.families.model import Family, Provisioner


@dataclass(frozen=True, slots=True, kw_only=True)
class Available:
    """One kind."""

    name: str
    title: str
    speaks: tuple[str, ...]
    """APIs of its engine: podman, docker, varlink."""
    told_by: str
    """How it learns who its user is."""
    archs: tuple[str, ...]
    tried: str
    """real, stand-in or never: what b2p has seen it boot."""
    ended: str = ""
    notes: str = ""

    def as_json(self) -> dict[str, Any]:
        """For programs: keys are only ever added."""
        return asdict(self)


OWN = Available(
    name=recipe.NAME,
    title="b2p's own: podman 5 on Debian 13, built on this computer",
    speaks=("podman", "docker", "varlink"),
    told_by="b2p's agent",
    archs=("x86_64", "aarch64"),
    tried="real",
)


def families() -> list[Available]:
    """b2p's own image first, then all families in the order of their register."""
    return [OWN, *map(_shown, ALL)]


def _shown(family: Family) -> Available:
    return Available(
        name=family.name,
        title=family.title,
        speaks=tuple(dict.fromkeys(engine.api for engine in family.engines)),
        told_by=_told_by(family.provisioner),
        archs=tuple(family.sources),
        tried=family.tried,
        ended=family.ended,
        notes=family.notes,
    )


def _told_by(provisioner: Provisioner) -> str:
    match provisioner:
        case UserdataDisk():
            return "a disk"
        case NoCloud():
            return "cloud-init"
        case Ignition():
            return "Ignition"
        case Dialogue():
            return "its console"
        case _:
            return "nothing"
