"""A QEMU that only answers questions, as a shell script, and packages that hold one."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from b2p.debian.index import Package, Relation
from b2p.errors import DownloadError
from tests.fakes_debian import deb, entry, tar

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Callable, Sequence
    from pathlib import Path

VERSION_LINE = "QEMU emulator version {} (Debian 1:{}+ds-1)"
MACHINES = """\
Supported machines are:
pc                   Standard PC (i440FX + PIIX, 1996) (alias of pc-i440fx-11.1)
pc-q35-9.2           Standard PC (Q35 + ICH9, 2009)
q35                  Standard PC (Q35 + ICH9, 2009) (alias of pc-q35-11.1)
pc-q35-11.1          Standard PC (Q35 + ICH9, 2009)
virt-10.0            QEMU 10.0 ARM Virtual Machine
virt                 QEMU 11.1 ARM Virtual Machine (alias of virt-11.1)
"""


def script(path: Path, text: str) -> Path:
    """A shell script that may be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def fake_qemu(
    path: Path,
    *,
    version: str = "11.1.3",
    machines: str = MACHINES,
    unix_forward: bool = True,
    sandbox: bool = True,
    guest: str = "exit 99",
) -> Path:
    """A QEMU of that version; each question adds a line to `path`.asked.

    `guest` is what it does with a -kernel.
    """
    return script(
        path,
        f"""\
echo "$*" >>"{path}.asked"
case "$*" in
-version) echo '{VERSION_LINE.format(version, version)}' ;;
*'-machine help'*) cat <<'END'
{machines}END
;;
*hostfwd=unix:*) cat >/dev/null; {"true" if unix_forward else "exit 1"} ;;
*-sandbox*) cat >/dev/null; {"true" if sandbox else "exit 1"} ;;
*-kernel*) {guest} ;;
esac""",
    )


def asked(path: Path) -> list[str]:
    """What that QEMU was asked so far."""
    log = path.with_name(f"{path.name}.asked")
    return log.read_text().splitlines() if log.exists() else []


def package(name: str, content: bytes, version: str = "1.0") -> Package:
    """A package of that content."""
    return Package(
        name=name,
        version=version,
        arch="amd64",
        source=name,
        filename=f"pool/{name}.deb",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        url_base="http://nowhere.invalid/debian",
    )


def package_file(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A .deb of these entries."""
    return deb(tar(entries))


def program(name: str, text: str) -> tuple[tarfile.TarInfo, bytes]:
    """An entry that is a shell script to run."""
    return entry(name, mode=0o755), f"#!/bin/sh\n{text}\n".encode()


@dataclass
class FakeIndex:
    """Answers a closure with all packages that are not left out."""

    packages: Sequence[Package]

    def candidates(self, name: str) -> list[Package]:
        return [one for one in self.packages if one.name == name]

    def providers(self, name: str) -> list[Package]:
        return []


@dataclass
class FakeArchive:
    """Packages from memory; while `offline` nothing can be fetched."""

    folder: Path
    contents: dict[str, bytes]
    offline: bool = False
    depends: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    closed: bool = False

    def close(self) -> None:
        self.closed = True

    def mirror(self, *, security: bool) -> str:
        return f"http://nowhere.invalid/{'security' if security else 'debian'}"

    def is_security(self, package: Package) -> bool:
        return package.url_base.endswith("security")

    def with_fresh_index(
        self, suites: object, arch: str, use: Callable[[Any], tuple[str, ...]]
    ) -> tuple[str, ...]:
        if self.offline:
            raise DownloadError("no mirror answers", "see to the network")
        return use(FakeIndex([self._package(name) for name in self.contents]))

    def fetch(
        self, packages: Sequence[Package], *, title: str, each: Callable[[Package, Path], None]
    ) -> None:
        for one in packages:
            path = self.folder / f"{one.sha256}.deb"
            path.write_bytes(self.contents[one.name])
            self.fetched.append(one.name)
            each(one, path)

    def _package(self, name: str) -> Package:
        depends = tuple((Relation(other),) for other in self.depends.get(name, ()))
        return replace(package(name, self.contents[name]), depends=depends)
