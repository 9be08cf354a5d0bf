"""What the user wants, merged once: defaults < b2p.toml < project's b2p.toml < B2P_KEY < flags.

In each file the table [machine.NAME] goes over the keys that stand outside of tables. Merging is
pure; only `layers` at the end reads files.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from b2p import project, readers, sizes
from b2p.errors import UsageError
from b2p.machine import engines
from b2p.machine.architecture import ARCHITECTURES
from b2p.machine.registries import Registries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from b2p.machine.model import ArchWish

ENVIRONMENT = "the environment"
COMMAND_LINE = "the command line"

STANDARD_MOUNTS = "default"
"""The word for the mounts that a machine has unless somebody says otherwise."""

AcceleratorWish = Literal["auto", "kvm", "hvf", "tcg"]
VarlinkWish = Literal["unix", "tcp", "off"]
ClientsWish = Literal["auto", "off"]
PublishWish = Literal["loopback", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every wish, decided: there is no unset one."""

    cpus: int
    """Processors of the machine."""
    memory: int = 2 * sizes.GIB
    """Its memory, in bytes; written with a unit."""
    disk: int = 100 * sizes.GIB
    """The most that its disk may hold, likewise; the file is sparse."""
    arch: ArchWish = "auto"
    """The guest's processor: auto (as this computer's), x86_64 or aarch64."""
    accel: AcceleratorWish = "auto"
    """auto, kvm, hvf or tcg (emulation)."""
    qemu: str = "auto"
    """auto, system, managed, or the path of a QEMU."""
    mirror: str = ""
    """A Debian mirror's address; empty: the computer's own, else public ones."""
    check_valid_until: bool = True
    """Whether an index of Debian's that has expired is refused."""
    timeout: int = 300
    """Seconds that `up` may take from QEMU's start to the engine's answer."""
    engine: str = engines.PODMAN.name
    """podman, or docker: which one b2p's own image has."""
    varlink: VarlinkWish = "unix"
    """Where io.podman answers: a unix socket, a port of this computer (tcp), or nowhere (off)."""
    image: str = "b2p"
    """b2p (its own), the name of a family, a digest's beginning, a path or an address."""
    user_data: str = ""
    """A file for cloud-init, brought in beside b2p's own; empty: none."""
    ignition: str = ""
    """A file for Ignition, merged by Ignition itself; empty: none."""
    mounts: tuple[str, ...] = (STANDARD_MOUNTS,)
    """Directories that the guest has: HOST[:GUEST][:ro][:cached]."""
    more_mounts: tuple[str, ...] = ()
    """Those that come to what the machine has already."""
    image_mirror: str = ""
    """Stands in for scheme and host of every image's address; empty: none."""
    offline: bool = False
    """Whether nothing is fetched: what is not there is an error."""
    packages: tuple[str, ...] = ()
    """Debian packages that b2p's own image has more."""
    binfmt: bool = False
    """Whether it runs programs of other architectures, for containers of other platforms."""
    registries: tuple[str, ...] = ()
    """Where images with short names are looked for; empty: docker.io."""
    registry_mirrors: tuple[str, ...] = ()
    """REGISTRY=MIRROR: asked before the registry itself."""
    insecure_registries: tuple[str, ...] = ()
    """Those that may speak plain HTTP, or show a certificate that nobody signed."""
    forward_agent: bool = False
    """Whether the ssh agent of this computer is lent to the machine by `ssh`."""
    clients: ClientsWish = "auto"
    """Whether podman and docker here are told of the machine: where they are installed, or off."""
    golden: bool = True
    """Whether machines begin from golden states, and leave some."""
    golden_limit: int = 2 * sizes.GIB
    """Bytes that golden states may take on the disk, all together."""
    provision: tuple[str, ...] = ()
    """Scripts that run in the machine as root, at its first start."""
    each_start: tuple[str, ...] = ()
    """Scripts that run there each time it boots."""
    files: tuple[str, ...] = ()
    """HOST:GUEST, brought in each time it boots."""
    units: tuple[str, ...] = ()
    """Units of systemd, likewise; started where they have an [Install]."""
    quadlets: tuple[str, ...] = ()
    """Quadlets of podman, likewise."""
    publish: PublishWish = "loopback"
    """Where containers' ports are published on this computer: loopback, or all its addresses."""
    host_calls: bool = True
    """Whether the guest may ask for something on this computer, such as publishing a port."""
    host_loopback: bool = True
    """Whether machines and their containers reach what listens on this computer's loopback."""
    idle_suspend: int = 0
    """Seconds after which a machine that nobody needs is suspended; 0: never."""
    network: str = ""
    """Machines of one network know one another by name; empty: it is in none."""
    ca_bundle: str = ""
    """Certificates that the guest trusts too: a file of PEM, or host (what this computer does)."""
    said: frozenset[str] = field(default=frozenset())
    """The keys that somebody set, against those that are b2p's own defaults."""

    @property
    def of_registries(self) -> Registries:
        """All that is wished of registries."""
        return Registries(
            search=self.registries,
            mirrors=self.registry_mirrors,
            insecure=self.insecure_registries,
        )


@dataclass(frozen=True, slots=True)
class Layer:
    """Some keys with their raw values, and who says them (for errors)."""

    origin: str
    values: Mapping[str, object]


def merged(layers: Iterable[Layer], *, cores: int) -> Settings:
    """One Settings of all layers, the last one that says a key wins."""
    values: dict[str, Any] = {"cpus": max(1, min(4, cores))}
    said: set[str] = set()
    for layer in layers:
        for key, raw in layer.values.items():
            values[key] = _value(key, raw, layer.origin)
            said.add(key)
    return Settings(**values, said=frozenset(said))


def file_layers(document: Mapping[str, object], machine: str, origin: str) -> list[Layer]:
    """The layers of one b2p.toml for one machine: what stands at the top, then its own table."""
    top = {key: value for key, value in document.items() if key not in ("machine", project.NAME)}
    tables = document.get("machine", {})
    if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
        raise UsageError(
            f"{origin}: 'machine' holds a table for each machine",
            'write [machine.NAME]; name = "NAME" says which machine is meant here',
        )
    for name, table in tables.items():
        for key, raw in table.items():
            _value(key, raw, f"{origin} [machine.{name}]")
    return [Layer(origin, top), Layer(f"{origin} [machine.{machine}]", tables.get(machine, {}))]


def environment_layer(environment: Mapping[str, str]) -> Layer:
    """The keys that B2P_KEY sets; an empty one counts as not set."""
    values: dict[str, object] = {}
    for key in KEYS:
        if text := environment.get(f"B2P_{key.upper()}", ""):
            values[key] = from_text(key, text)
    return Layer(ENVIRONMENT, values)


def project_layers(document: Mapping[str, object], machine: str, origin: str) -> list[Layer]:
    """As file_layers, without what a project that was merely downloaded must not decide."""
    layers = file_layers(document, machine, origin)
    for layer in layers:
        for key in NOT_BY_PROJECTS:
            if key in layer.values:
                raise UsageError(
                    f"{layer.origin}: {key!r} cannot be set by a project, only by you",
                    f"set it in your own b2p.toml or as B2P_{key.upper()}",
                )
    return layers


def from_texts(texts: Mapping[str, str | None]) -> dict[str, object]:
    """The raw values of flags, by their keys; those that were not given (None) are left out."""
    return {key: from_text(key, text) for key, text in texts.items() if text is not None}


def from_text(key: str, text: str) -> object:
    """A string of the environment or a flag as the value that a TOML file would hold."""
    if key in ("cpus", "timeout"):
        return int(text) if text.isascii() and text.isdigit() else text
    if key in LISTS:
        words = [word for word in (part.strip() for part in text.split(",")) if word]
        return [] if words == ["none"] else words
    if _READERS[key] is readers.truth:
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    return text


LISTS = (
    *("packages", "registries", "registry_mirrors", "insecure_registries"),
    *("mounts", "more_mounts"),
    *project.PATHS,
)
"""Keys that take several words; in the environment, with commas between."""
_READERS: dict[str, Callable[[str, object], object]] = {
    "cpus": readers.whole,
    "memory": readers.size,
    "disk": readers.size,
    "arch": readers.one_of("auto", *ARCHITECTURES, meant=ARCHITECTURES),
    "accel": readers.one_of("auto", "kvm", "hvf", "tcg"),
    "qemu": readers.text,
    "mirror": readers.text,
    "check_valid_until": readers.truth,
    "timeout": readers.whole,
    "engine": readers.one_of(*engines.ALL),
    "varlink": readers.one_of("unix", "tcp", "off"),
    "image": readers.text,
    "user_data": readers.text,
    "ignition": readers.text,
    "image_mirror": readers.text,
    "packages": readers.package_names,
    "binfmt": readers.truth,
    "offline": readers.truth,
    **dict.fromkeys(("registries", "registry_mirrors", "insecure_registries"), readers.registries),
    "forward_agent": readers.truth,
    "clients": readers.one_of("auto", "off"),
    "golden": readers.truth,
    "golden_limit": readers.size,
    **dict.fromkeys(project.PATHS, readers.paths),
    "publish": readers.one_of("loopback", "all"),
    "host_calls": readers.truth,
    "host_loopback": readers.truth,
    "idle_suspend": readers.span,
    "network": readers.network,
    "ca_bundle": readers.text,
    "mounts": readers.texts,
    "more_mounts": readers.texts,
}


def check_packages(names: Iterable[str]) -> None:
    """Raise UsageError for what cannot be the name of a Debian package."""
    _value("packages", list(names), COMMAND_LINE)


NOT_BY_PROJECTS = (
    *("qemu", "check_valid_until", "image_mirror", "forward_agent"),
    *("publish", "host_calls", "host_loopback", "ca_bundle", "mounts", "more_mounts", "network"),
    *("registries", "registry_mirrors", "insecure_registries"),
)
"""Whoever downloads a project must not have its author decide these."""
KEYS = tuple(key.name for key in fields(Settings) if key.name in _READERS)


def _value(key: str, raw: object, origin: str) -> object:
    """The value in its own type, or an error that says who said it and what was expected."""
    reader = _READERS.get(key)
    if reader is None:
        near = difflib.get_close_matches(key, [*KEYS, project.NAME], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(KEYS)}"
        raise UsageError(f"{origin}: there is no setting {key!r}", hint)
    try:
        return reader(key, raw)
    except readers.WrongError as error:
        raise UsageError(f"{origin}: {key} cannot be {raw!r}", f"{error}") from None
    except UsageError as error:
        raise UsageError(f"{origin}: {error.message}", error.hint) from None


def layers(
    machine: str,
    flags: Mapping[str, object],
    *,
    user_file: Path,
    directory: Path,
    home: Path,
    environment: Mapping[str, str],
    origin: str = COMMAND_LINE,
) -> list[Layer]:
    """All that is said about a machine by a command given in `directory`; the last one wins.

    `origin` is who gave the flags.
    """
    found: list[Layer] = []
    for path in project.files(user_file, directory, home):
        is_users = path == user_file
        taken = file_layers if is_users else project_layers
        for layer in taken(project.document(path), machine, str(path)):
            values = project.anchored(layer.values, path, home, confined=not is_users)
            found.append(Layer(layer.origin, values))
    said = [environment_layer(environment), Layer(origin, flags)]
    here = directory / COMMAND_LINE
    return [*found, *(Layer(one.origin, project.anchored(one.values, here, home)) for one in said)]
