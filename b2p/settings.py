"""What the user wants, merged once: defaults < b2p.toml < project's b2p.toml < B2P_KEY < flags.

In each file the table [machine.NAME] goes over the keys that stand outside of tables. Merging is
pure; only `layers` at the end reads files.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from b2p import names, project, sizes, spans
from b2p.errors import UsageError
from b2p.machine import engines
from b2p.machine.architecture import ARCHITECTURES
from b2p.machine.registries import Registries, misspelt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from b2p.machine.model import ArchWish

ENVIRONMENT = "the environment"
COMMAND_LINE = "the command line"

STANDARD_MOUNTS = "default"
"""The word for the mounts that a machine has unless somebody says otherwise."""
NO_NETWORK = "none"

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
    if _READERS[key] is _truth:
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    return text


def _whole(key: str, raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or raw < 1:
        raise _WrongError(f"{key} takes a whole number from 1 on")
    return raw


def _size(key: str, raw: object) -> int:
    if not isinstance(raw, str):
        raise _WrongError(
            f'{key} takes a size with its unit as a string, such as "{_EXAMPLE[key]}"'
        )
    count = sizes.parsed(raw, what=key)
    if count < _LEAST[key]:
        raise _WrongError(f"{key} takes {sizes.written(_LEAST[key])} or more")
    return count


def _span(key: str, raw: object) -> int:
    if not isinstance(raw, str):
        raise _WrongError(f'{key} takes a time with its unit as a string, such as "30m", or "off"')
    seconds = spans.parsed(raw, what=key)
    if 0 < seconds < LEAST_IDLE:
        raise _WrongError(f"{key} takes {spans.written(LEAST_IDLE)} or more")
    return seconds


def _text(key: str, raw: object) -> str:
    if not isinstance(raw, str):
        raise _WrongError(f"{key} takes a string")
    return raw


def _texts(key: str, raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(one, str) for one in raw):
        raise _WrongError(f'{key} takes a list of strings, such as ["~", "/srv/data:/data:ro"]')
    return tuple(raw)


def _truth(key: str, raw: object) -> bool:
    if not isinstance(raw, bool):
        raise _WrongError(f"{key} takes true or false")
    return raw


def _names(key: str, raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(one, str) and one for one in raw):
        raise _WrongError(f'{key} takes a list of names, such as ["htop"]')
    for one in raw:
        if not _PACKAGE.fullmatch(one):
            raise _WrongError(f"{one!r} is not the name of a Debian package")
    return tuple(raw)


def _registries(key: str, raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(one, str) for one in raw):
        raise _WrongError(f'{key} takes a list, such as ["quay.io"]')
    for one in raw:
        if wrong := misspelt(one, pair=key == "registry_mirrors"):
            raise _WrongError(wrong)
    return tuple(raw)


def _paths(key: str, raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(one, str) and one for one in raw):
        raise _WrongError(f'{key} takes a list of paths, such as ["{_EXAMPLE[key]}"]')
    for one in raw:
        guest = one.rpartition(":")[2]
        if key == "files" and (guest == one or not guest.startswith("/") or ".." in guest):
            raise _WrongError(f"{key} takes HOST:GUEST, and GUEST begins with /")
    return tuple(raw)


def _network(key: str, raw: object) -> str:
    word = _text(key, raw)
    if word not in ("", NO_NETWORK) and not names.FORM.fullmatch(word):
        raise _WrongError(f'{key} takes a name of small letters, such as "lab", or "{NO_NETWORK}"')
    return "" if word == NO_NETWORK else word


def _one_of(*words: str, meant: Mapping[str, str] | None = None) -> Callable[[str, object], str]:
    def check(key: str, raw: object) -> str:
        if raw not in words:
            raise _WrongError(f"{key} takes {', '.join(words[:-1])} or {words[-1]}")
        return (meant or {}).get(str(raw), str(raw))

    return check


class _WrongError(Exception):
    """A value has not the form that its key takes; the text says which."""


LISTS = (
    *("packages", "registries", "registry_mirrors", "insecure_registries"),
    *("mounts", "more_mounts"),
    *project.PATHS,
)
"""Keys that take several words; in the environment, with commas between."""
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")
SIZES = ("memory", "disk", "golden_limit")
"""Keys whose values are bytes, written with a unit."""
_LEAST = {"memory": 256 * sizes.MIB, "disk": sizes.GIB, "golden_limit": sizes.GIB}
SPANS = ("idle_suspend",)
"""Keys whose values are seconds, written with a unit."""
LEAST_IDLE = 30
_EXAMPLE = {
    "memory": "2GiB",
    "disk": "100GiB",
    "golden_limit": "2GiB",
    "provision": "setup.sh",
    "each_start": "setup.sh",
    "files": "daemon.conf:/etc/daemon.conf",
    "units": "my.service",
    "quadlets": "web.container",
}
_READERS: dict[str, Callable[[str, object], object]] = {
    "cpus": _whole,
    "memory": _size,
    "disk": _size,
    "arch": _one_of("auto", *ARCHITECTURES, meant=ARCHITECTURES),
    "accel": _one_of("auto", "kvm", "hvf", "tcg"),
    "qemu": _text,
    "mirror": _text,
    "check_valid_until": _truth,
    "timeout": _whole,
    "engine": _one_of(*engines.ALL),
    "varlink": _one_of("unix", "tcp", "off"),
    "image": _text,
    "user_data": _text,
    "ignition": _text,
    "image_mirror": _text,
    "packages": _names,
    "binfmt": _truth,
    "offline": _truth,
    **dict.fromkeys(("registries", "registry_mirrors", "insecure_registries"), _registries),
    "forward_agent": _truth,
    "clients": _one_of("auto", "off"),
    "golden": _truth,
    "golden_limit": _size,
    **dict.fromkeys(project.PATHS, _paths),
    "publish": _one_of("loopback", "all"),
    "host_calls": _truth,
    "host_loopback": _truth,
    "idle_suspend": _span,
    "network": _network,
    "ca_bundle": _text,
    "mounts": _texts,
    "more_mounts": _texts,
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
    except _WrongError as error:
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
