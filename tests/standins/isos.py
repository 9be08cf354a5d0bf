"""ISOs of busybox guests that follow what is known of Tiny Core's children, byte for byte on disks.

Their kernel, loader, shell, partitioner, mke2fs, sshd and engine are real; their scripts are ours.
"""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from b2p import firmware
from b2p.formats import cpio
from b2p.image import firmware_files, modules, recipe, tree
from tests.standins import packages
from tests.standins.packages import File
from tests.standins.workshop import GUEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from b2p.debian.archive import Archive
    from b2p.debian.index import Package
    from tests.standins.workshop import Workshop

PACKAGES = (
    "base-files", "bash", "e2fsprogs", "fdisk", "openssh-server", "openssh-sftp-server", "sudo",
    "podman", "crun", "conmon", "netavark", "catatonit", "nftables", "python3", "python3-varlink",
)  # fmt: skip
WITHOUT = recipe.WITHOUT | {
    "systemd", "udev", "dbus", "gnupg", "gpg", "gpg-agent", "gpgconf", "gawk", "tzdata", "procps",
    "openssl", "openssl-provider-legacy", "locales", "debianutils", "passwd", "libglib2.0-0t64",
    "libgnutls30t64",
}  # fmt: skip
LOADER = ("isolinux", "syslinux-common")
BOOT_MODULES = (
    "virtio_pci", "virtio_blk", "virtio_net", "virtio_scsi", "ahci", "ata_piix", "sd_mod",
    "button", "evdev", "overlay", "bridge", "veth", "e1000",
)  # fmt: skip
"""Loaded at boot, as far as they are modules."""

PASSWORD = (
    "$6$b2pstandin$kTu1ln/6nZIF7qEtsBb/J14QLLbsfEuQ8vw2E8ynb1Vu4aWugQVRCXJpMNbFDOK7A.."
    "PHUc9kdohqYpjp.5DU/"
)
"""Of "tcuser"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """In what the guests differ."""

    name: str
    scripts: str = ""
    """Folder of what it alone has, in guest/; empty: its name."""
    store: str = ""
    """Whose names its data disk bears; empty: its own."""
    user: str
    uid: int
    password: str
    """As in /etc/shadow."""
    root_password: str = "*"
    release: str = ""
    """ID of its os-release; empty: its name."""
    ssh: str = "/usr/local/etc/ssh"
    """Where sshd has its keys."""
    volume: str
    host_keys: str
    """Where below /var/lib/NAME they are kept."""
    persisted: str
    serial_getty: str
    kernel: str
    initrds: tuple[str, ...]
    """Paths in the ISO: one for all, or busybox's and then the rest."""
    loader: str
    """Folder of isolinux."""
    words: str
    """Kernel's command line in the menu."""
    hybrid: bool

    def filled(self) -> Mapping[str, str]:
        """What the scripts' @WORDS@ become."""
        store = self.store or self.name
        return {
            "NAME": store,
            "MAGIC": f"{store}, please format-me",
            "LABEL": f"{store}-data",
            "SSH": self.ssh,
            "USER": self.user,
            "HOST_KEYS": self.host_keys,
            "PERSISTED": self.persisted,
            "SERIAL_GETTY": self.serial_getty,
        }


TINYCORE = Style(
    name="boot2podman",
    user="tc",
    uid=1001,
    password="",
    volume="Boot2Podman-v0.27",
    host_keys="etc/ssh",
    persisted="/var/lib/containers /var/lib/boot2podman",
    serial_getty="",
    kernel="boot/vmlinuz64",
    initrds=("boot/corepure64.gz", "boot/boot2podman.gz"),
    loader="boot/isolinux",
    words="loglevel=3 cde",
    hybrid=False,
)
BOOT2DOCKER = Style(
    name="boot2docker",
    user="docker",
    uid=1000,
    password=PASSWORD,
    root_password=PASSWORD,
    volume="b2d-v19.03.12",
    host_keys="ssh",
    persisted="/var/lib/containers /var/lib/docker /var/lib/boot2docker",
    serial_getty="-nl /usr/lib/standin/autologin",
    kernel="boot/vmlinuz",
    initrds=("boot/initrd.img",),
    loader="isolinux",
    words=(
        "loglevel=3 console=ttyS0 console=tty0 waitusb=5:LABEL=boot2docker-data base norestore"
        " noembed"
    ),
    hybrid=True,
)
MINIKUBE = replace(
    BOOT2DOCKER,
    name="minikube",
    store="boot2docker",
    password="*",
    root_password="",
    release="buildroot",
    ssh="/etc/ssh",
    volume="ISOIMAGE",
    serial_getty="",
    kernel="boot/bzImage",
    initrds=("boot/initrd",),
    words="root=/dev/sr0 loglevel=3 console=ttyS0 noembed nomodeset norestore waitusb=10",
    hybrid=False,
)
LIVE = Style(
    name="live",
    user="user",
    uid=1000,
    password="*",
    root_password="",
    ssh="/etc/ssh",
    volume="SOMEBODYS_LIVE_CD",
    host_keys="ssh",
    persisted="/var/lib/containers",
    serial_getty="",
    kernel="live/vmlinuz",
    initrds=("live/initrd.img",),
    loader="isolinux",
    words="quiet",
    hybrid=False,
)
"""What nobody knows: root logs in without a password, podman is there, and nobody starts it."""
STYLES = {"tinycore": TINYCORE, "boot2docker": BOOT2DOCKER, "minikube": MINIKUBE, "live": LIVE}


def iso(workshop: Workshop, style: Style) -> Path:
    """The ISO of that style, made where it is not there yet."""
    archive = workshop.supply.archive
    wanted = packages.chosen(archive, PACKAGES, WITHOUT)
    others = packages.chosen(archive, (*LOADER, "busybox-static", packages.KERNEL), WITHOUT)
    own = _own(style)
    digest = packages.digest(
        [*wanted, *others],
        style,
        [(one.path, one.content.hex(), one.mode, one.link) for one in own],
        BOOT_MODULES,
    )

    def make(out: Path) -> None:
        with workshop.report.task(f"making {style.name}.iso"):
            _make(archive, style, wanted, others, own, out)

    return workshop.kept(style.name, digest, make) / f"{style.name}.iso"


def _make(
    archive: Archive,
    style: Style,
    wanted: Iterable[Package],
    others: Iterable[Package],
    own: list[File],
    out: Path,
) -> None:
    scratch = out / "tree.cpio"
    drivers = packages.keep_modules("acpi", "ata", "net", "firmware")
    parts = packages.write_tree(archive, list(others), scratch, own=lambda _: [], keep=drivers)
    loader = _loader_files(archive, others)
    packages.write_tree(
        archive,
        list(wanted),
        scratch,
        own=lambda _: [*_modules(parts), *own],
        keep=recipe.wanted,
    )
    initrds = [_packed(_core(parts.busybox)), _packed(scratch.read_bytes())]
    scratch.unlink()
    if len(style.initrds) == 1:
        initrds = [b"".join(initrds)]
    files = {style.kernel: parts.kernel, **dict(zip(style.initrds, initrds, strict=True))}
    _write_iso(style, files, loader, out / f"{style.name}.iso")


def _core(busybox: bytes) -> bytes:
    """What corepure64.gz is to Tiny Core: enough to reach a shell."""
    out = io.BytesIO()
    writer = cpio.Writer(out)
    for folder in ("dev", "proc", "sys", "run", "tmp", "mnt", "usr", "usr/bin", "usr/sbin", "root"):
        writer.directory(folder)
    for name in ("bin", "sbin"):
        writer.symlink(name, f"usr/{name}")
    writer.device("dev/console", 0o020600, 5, 1)
    writer.file("usr/bin/busybox", busybox, 0o755)
    writer.file("init", (GUEST / "iso/init").read_bytes(), 0o755)
    writer.symlink("usr/bin/sh", "busybox")
    writer.trailer()
    return out.getvalue()


def _packed(archive: bytes) -> bytes:
    return gzip.compress(archive, 6, mtime=0)


def _own(style: Style) -> list[File]:
    """The guest's scripts and accounts, and b2p's varlink gateway."""
    found = packages.files_below(GUEST / "iso", "", style.filled())
    found += packages.files_below(GUEST / (style.scripts or style.name), "", style.filled())
    found += [
        File(path=f"usr/lib/b2p/{name}", content=content, mode=mode)
        for name, content, mode in firmware_files.files_below(
            firmware.directory() / "guest/usr/lib/b2p"
        )
        if name == "serving.py" or name.startswith("varlink_gateway/")
    ]
    strict = {"etc/sudoers.d/user": 0o440}
    found = [
        File(path=one.path, content=one.content, mode=strict.get(one.path, one.mode))
        for one in found
    ]
    return [*found, *_accounts(style)]


def _accounts(style: Style) -> list[File]:
    user, uid, name = style.user, style.uid, style.name
    people = [("root", 0, 0, "/root"), (user, uid, 50, f"/home/{user}")]
    others = [("sshd", 105, 65534, "/run/sshd"), ("nobody", 65534, 65534, "/nonexistent")]
    passwd = [f"{one}:x:{uid}:{gid}::{home}:/bin/sh" for one, uid, gid, home in people]
    passwd += [f"{one}:x:{uid}:{gid}::{home}:/bin/false" for one, uid, gid, home in others]
    group = ["root:x:0:", "tty:x:5:", f"docker:x:100:{user}", f"staff:x:50:{user}"]
    group += [f"podman:x:101:{user}"]
    group += ["nogroup:x:65534:"]
    shadow = [f"root:{style.root_password}:19000::::::", f"{user}:{style.password}:19000::::::"]
    shadow += ["sshd:*:19000::::::", "nobody:*:19000::::::"]
    release = f'NAME={name}\nID={style.release or name}\nPRETTY_NAME="Stand-in for {name}"\n'
    texts = {
        "etc/passwd": passwd,
        "etc/group": group,
        "etc/hosts": [f"127.0.0.1\tlocalhost {name}"],
        "etc/os-release": release.splitlines(),
        "etc/issue": [f"{name} (stand-in)"],
    }
    files = [
        File(path=path, content="".join(f"{line}\n" for line in lines).encode())
        for path, lines in texts.items()
    ]
    secret = "".join(f"{line}\n" for line in shadow).encode()
    home = f"home/{user}/.profile"
    return [
        *files,
        File(path="etc/shadow", content=secret, mode=0o640),
        File(path=home, content=b"export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"),
        File(path="var/run", link="/run"),
        File(path="var/log/.standin"),
    ]


def _modules(parts: packages.Parts) -> list[File]:
    """The kernel's modules that such a guest may need, with the lists that modprobe reads."""
    nets = {name for name in parts.modules if name.startswith(("nft", "nf_", "br_netfilter"))}
    present = [name for name in (*BOOT_MODULES, *sorted(nets)) if name in parts.modules]
    order = modules.load_order(present, parts.modules)
    paths = parts.module_paths
    folder = paths[order[0]].partition("/kernel/")[0]

    def relative(name: str) -> str:
        return paths[name].removeprefix(f"{folder}/")

    needs = []
    for name in order:
        before = modules.load_order([name], parts.modules)[-2::-1]
        needs.append(f"{relative(name)}: {' '.join(map(relative, before))}".rstrip())
    loaded = [name for name in BOOT_MODULES if name in parts.modules]
    lists = {
        f"{folder}/modules.dep": needs,
        f"{folder}/modules.alias": [
            f"alias {alias} {name}" for name in order for alias in _aliases(parts.modules[name])
        ],
        "usr/lib/standin/modules": loaded,
    }
    files = [File(path=paths[name], content=parts.modules[name]) for name in order]
    return files + [
        File(path=path, content="".join(f"{line}\n" for line in lines).encode())
        for path, lines in lists.items()
    ]


def _aliases(module: bytes) -> list[str]:
    words = module.split(b"\0")
    return [word[6:].decode() for word in words if word.startswith(b"alias=")]


def _loader_files(archive: Archive, others: Iterable[Package]) -> dict[str, bytes]:
    debs = archive.fetch([one for one in others if one.name in LOADER], title="fetching isolinux")
    return {
        "isolinux.bin": tree.file_of(debs["isolinux"], "usr/lib/ISOLINUX/isolinux.bin"),
        "ldlinux.c32": tree.file_of(
            debs["syslinux-common"], "usr/lib/syslinux/modules/bios/ldlinux.c32"
        ),
    }


def _write_iso(
    style: Style, files: dict[str, bytes], loader: Mapping[str, bytes], out: Path
) -> None:
    """The files behind isolinux, with El Torito's boot record for a BIOS."""
    import pycdlib

    initrds = ",".join(f"/{path}" for path in style.initrds)
    menu = (
        f"default {style.name}\nprompt 0\n"
        + ("serial 0 115200\n" if style.hybrid else "")
        + f"label {style.name}\n kernel /{style.kernel}\n append initrd={initrds} {style.words}\n"
    )
    files = {
        **files,
        **{f"{style.loader}/{name}": content for name, content in loader.items()},
        f"{style.loader}/isolinux.cfg": menu.encode(),
    }
    disc = pycdlib.PyCdlib()
    disc.new(interchange_level=3, rock_ridge="1.09", vol_ident=style.volume)
    names = _Names()
    for folder in sorted({part for path in files for part in _folders(path)}):
        disc.add_directory(names.of(folder), rr_name=folder.rpartition("/")[2])
    for path, content in files.items():
        disc.add_fp(
            io.BytesIO(content),
            len(content),
            f"{names.of(path)};1",
            rr_name=path.rpartition("/")[2],
        )
    catalogue = f"{style.loader}/boot.cat"
    disc.add_eltorito(
        f"{names.of(f'{style.loader}/isolinux.bin')};1",
        f"{names.of(catalogue)};1",
        rr_bootcatname="boot.cat",
        boot_load_size=4,
        boot_info_table=True,
    )
    if style.hybrid:
        disc.add_isohybrid()
    disc.write(str(out))
    disc.close()


class _Names:
    """ISO 9660's own names: eight letters, a dot and three; Rock Ridge has the real ones."""

    def of(self, path: str) -> str:
        parts = [self._short(part) for part in path.split("/")]
        return "/" + "/".join(parts)

    def _short(self, name: str) -> str:
        stem, _, ending = name.upper().partition(".")
        return f"{stem[:8]}.{ending[:3]}" if ending else stem[:8]


def _folders(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
