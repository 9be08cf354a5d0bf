"""What b2p knows of a kind of image, as one frozen record: `Family`. Data only; nothing here acts.

Whoever boots, provisions or reaches a guest asks the record's parts, never its name. Where a part
can be of several kinds (provisioner, boot, latest) each kind is a class, to be told by `match`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from b2p.machine.model import Arch

_K = TypeVar("_K")
_V = TypeVar("_V")

Medium = Literal["iso", "disk"]
Packing = Literal["", "xz", "gz", "bz2", "zst"]
Firmware = Literal["bios", "uefi"]
Overlay = Literal["none", "root", "dracut"]
"""none: lost; root: the initrd is the root; dracut: a hook of dracut's copies them to the root."""
Tried = Literal["real", "stand-in", "never"]
"""Whether b2p ever ran the family: its real image, a stand-in by its rules, or not at all."""

ChecksumFormat = Literal["lines", "bare", "digests", "debian-json", "stream-json"]
"""How b2p/formats/checksums.py reads the file; `lines` are those of sha256sum and of BSD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """The family has ended, or names each release anew: b2p knows the last one it heard of."""

    values: Mapping[str, str]
    """What the addresses' placeholders stand for, always with `version`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """The address itself always holds the newest image; its checksum says which one that is."""

    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class InText:
    """A text names the newest: the pattern's named groups are the addresses' placeholders.

    Where it matches often, the highest `version` (numbers compared as numbers) is meant.
    """

    address: str
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InJson:
    """A JSON document holds the version at that path of keys; {arch} in a key is filled in."""

    address: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InRedirect:
    """Where the address leads to holds the version: the pattern is matched with the last URL."""

    address: str
    pattern: str


Latest = Pinned | Rolling | InText | InJson | InRedirect


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an image for one architecture comes from.

    All addresses are templates: {version} and whatever else `latest` yields. `known` are values of
    a release that once was the newest; they serve where the newest cannot be asked for.
    """

    image: str
    latest: Latest
    checksum: str = ""
    """Empty where the publisher has none: then what came first is remembered and must stay."""
    checksum_format: ChecksumFormat = "lines"
    checksum_signature: str = ""
    """A detached signature of the checksum file; "inline" where it is clear-signed itself."""
    signature: str = ""
    """A detached OpenPGP signature of the image."""
    key: str = ""
    """Where the signer's key is published."""
    key_id: str = ""
    packing: Packing = ""
    mirrors: tuple[str, ...] = ()
    """Other addresses of the very same image, tried in order."""
    known: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelInside:
    """A direct boot of what an ISO holds: QEMU loads kernel and initrds, the loader is passed by.

    Each entry of `kernels` and of `initrds` may be written in several ways (paths differ between
    releases): the first one that the medium has is taken.
    """

    kernels: tuple[str, ...]
    initrds: tuple[tuple[str, ...], ...]
    """One tuple of ways for each initrd; they are laid end to end in this order."""
    command_line: str
    """Without the serial console, which comes from `Console`; {label} is the volume's label."""
    is_own: bool = False
    """Whether it is b2p's own kernel, which gets the words that b2p's machines give it."""
    optional_initrds: tuple[str, ...] = ()
    """Appended where the medium has them."""
    overlay: Overlay = "none"
    """What becomes of files in an archive that b2p appends to the initrds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLoader:
    """The medium's own boot loader, as the firmware finds it."""


Boot = KernelInside | OwnLoader


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """How the guest uses its serial console."""

    kernel_words: str = ""
    """What makes a kernel that b2p boots itself use it; {serial} is the port's name there."""
    serial: bool = True
    """Whether the image's own loader already does; without, only a screenshot shows the guest."""
    login: str = ""
    """Who may log in there; "" where nobody can."""
    password: str = ""
    """Known, or "" where none is asked for."""
    autologin: bool = False
    """Whether a shell is there without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Whom ssh logs in as."""

    name: str
    uid: int = 1000
    home: str = ""
    """Empty: /home and the name."""
    sudo: bool = True
    """Whether `sudo` works without a password."""
    group: str = ""
    """Empty: the name."""

    @property
    def home_path(self) -> str:
        """Where ssh looks for .ssh/authorized_keys."""
        return self.home or f"/home/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserdataDisk:
    """A tar at the start of an empty disk, whose first entry's name asks the guest to format it."""

    magic: str
    copies: Literal[1, 2] = 2
    """How often the key is written: as authorized_keys, and as authorized_keys2."""
    window: int = 4096
    """Bytes from the disk's start that the guest saves before it formats."""
    disk_names: tuple[str, ...] = ("sda", "vda", "xvda")
    """Names in the guest under which it looks at the disk."""
    filesystem: str = "ext4"
    data_label: str = ""
    """Label of the file system that the guest makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoCloud:
    """cloud-init with a volume labelled cidata."""

    package_update: bool = False
    packages: tuple[str, ...] = ()
    """What the first boot installs, since the image has no engine."""
    default_user: bool = True
    """Whether the image's own first user is the family's; else b2p makes that user."""
    network_config: bool = False
    """Whether the static network is written too; cloud-init's own DHCP does otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignition:
    """A JSON document by QEMU's fw_cfg."""

    fw_cfg: str
    """Name of the entry: opt/com.coreos/config."""
    other_fw_cfg: tuple[str, ...] = ()
    """Names that the guest looks for when that one is absent."""
    versions: tuple[str, ...]
    """Specifications that the guest understands; b2p writes the first."""
    files: tuple[tuple[str, str], ...] = ()
    """(path, text) of what the family needs in addition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """Commands typed at the serial console; who logs in is in `Console`."""

    sudo: str = "sudo "
    """What goes before a command of root's; empty where root himself logs in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """Nothing can be told to the guest: it is booted, and its user does the rest."""


Provisioner = UserdataDisk | NoCloud | Ignition | Dialogue | Untold


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """By which signs the guest is known to be up."""

    console: str = r"login: ?$"
    """A regular expression of a line on the serial console; multi-line mode."""
    ssh: bool = True
    """Whether a login by ssh is the proof."""
    command: str = ""
    """What must succeed over ssh before the engine is asked for."""
    tries: int = 10
    pause: float = 3.0
    """Seconds between tries of the command."""


RegistriesFormat = Literal["podman", "docker"]
"""TOML of containers-registries.conf, or docker's daemon.json."""

EngineApi = Literal["podman", "docker", "varlink"]
Reach = Literal["forwarder", "ssh", "bridge", "served"]
"""forwarder: systemd's socket proxy that provisioning puts in, on a port of machine/ports.py;
ssh: the socket is forwarded by ssh (its user may open it); bridge: a command over ssh;
served: the guest listens at that port by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One socket of an engine in the guest."""

    api: EngineApi
    path: str
    unit: str = ""
    """The unit that has to be enabled for it; "" where it always runs."""
    start: str = ""
    """The command that a guest without such a unit needs, in the background, as root."""
    root: bool = True
    """Whether only root may open it."""
    reach: Reach = "forwarder"
    ssh_user: str = ""
    """Who may open it, where ssh leads there; "" is the family's user."""
    bridge: str = ""
    """The command over ssh whose standard streams are a connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """By what an image of the family is known.

    `volume_label` and `file_name` are regular expressions of whole values, case aside.

    b2p/families/recognise.py weighs them: what an image holds counts more than its file's name.
    """

    volume_label: str = ""
    iso_files: tuple[str, ...] = ()
    """Paths that are all in the ISO, without a leading slash, lower case."""
    os_ids: tuple[str, ...] = ()
    """ID of /etc/os-release."""
    variant: str = ""
    """VARIANT_ID, VARIANT or NAME of /etc/os-release, in lower case."""
    partitions: tuple[str, ...] = ()
    """Labels or names of partitions, or of the file systems in them; all are there."""
    partition_files: tuple[str, ...] = ()
    """Paths in a partition that are all there."""
    file_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the guest keeps what b2p writes; "" where the family has no place for it."""

    hostname: str = "/etc/hostname"
    ssh_host_key: str = "/etc/ssh/ssh_host_ed25519_key"
    registries: str = "/etc/containers/registries.conf.d/50-b2p.conf"
    registries_format: RegistriesFormat = "podman"
    proxy: str = "/etc/systemd/system.conf.d/50-b2p-proxy.conf"
    units: str = "/etc/systemd/system"
    """Where units go; "" where the guest has no systemd."""
    socket_proxy: str = "/usr/lib/systemd/systemd-socket-proxyd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """All that b2p knows of one kind of image."""

    name: str
    """What people type after --image."""
    title: str
    """What people read."""
    aliases: tuple[str, ...] = ()
    sources: Mapping[Arch, Source]
    """Empty where there is nowhere to fetch it from."""
    medium: Medium
    boot: Boot = field(default_factory=OwnLoader)
    firmware: Mapping[Arch, tuple[Firmware, ...]]
    """What each architecture's image boots with, the better first."""
    memory_mib: int = 1024
    """Below it the guest is known to fail."""
    data_disk: bool
    """Whether a second, empty disk keeps what the guest's own medium cannot."""
    provisioner: Provisioner
    console: Console
    user: User
    ready: Ready = field(default_factory=Ready)
    engines: tuple[Engine, ...]
    """The engine that b2p connects to comes first."""
    places: Places = field(default_factory=Places)
    persists: tuple[str, ...]
    """Directories of the guest that survive `down` and `up`."""
    marks: Marks = field(default_factory=Marks)
    tried: Tried = "never"
    ended: str = ""
    """When the publisher gave it up; empty while it lives."""
    notes: str = ""
    """What a person should know, in a sentence."""


def frozen(values: Mapping[_K, _V]) -> Mapping[_K, _V]:
    """A mapping that nobody changes, for the records' fields."""
    return MappingProxyType(dict(values))
