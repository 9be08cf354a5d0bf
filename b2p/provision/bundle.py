"""What a machine is equipped with, as one archive to be unpacked at its root. Pure."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SCRIPTS = "/run/b2p/provision"
"""Where scripts lie in the machine while it runs."""
MARK = "/run/b2p/provisioned"
"""There once all was done since the machine booted; a resumed machine has it still."""
UNITS = "/etc/systemd/system"
QUADLETS = "/etc/containers/systemd"
QUADLET_GENERATOR = (
    "mkdir -p /run/systemd/system-generators && "
    "ln -sfn /usr/libexec/podman/quadlet /run/systemd/system-generators/podman-system-generator"
)
"""In b2p's own image it is masked until the first quadlet is there, as the agent knows too."""
QUADLET_SUFFIXES = {
    ".container": "",
    ".kube": "",
    ".pod": "-pod",
    ".volume": "-volume",
    ".network": "-network",
    ".image": "-image",
    ".build": "-build",
}
"""Kind of a quadlet: what its service's name has at the end."""
UNIT_SUFFIXES = (".service", ".socket", ".timer", ".path", ".target", ".mount", ".automount")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the machine."""

    path: str
    content: bytes
    mode: int = 0o644


def archive(entries: Iterable[Entry]) -> bytes:
    """A tar of these files, all root's."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            header = tarfile.TarInfo(entry.path.lstrip("/"))
            header.size, header.mode = len(entry.content), entry.mode
            tar.addfile(header, io.BytesIO(entry.content))
    return out.getvalue()


def script_path(number: int, name: str) -> str:
    """Where the script of that number lies in the machine."""
    return f"{SCRIPTS}/{number:02}-{PurePosixPath(name).name}"


def service_of(quadlet: str) -> str:
    """The service that a quadlet becomes."""
    path = PurePosixPath(quadlet)
    return f"{path.stem}{QUADLET_SUFFIXES[path.suffix]}.service"


def is_wanted(text: bytes) -> bool:
    """Whether a unit or quadlet asks to be started by itself."""
    return any(line.strip() == b"[Install]" for line in text.splitlines())
