"""A guest started by a plain QEMU line: stand-ins are proven so before b2p meets them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import tarfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

PATIENCE = 600.0
PING = "sudo -n curl -s --unix-socket /run/podman/podman.sock http://d/_ping"
"""What says OK in a guest whose engine answers."""


@dataclass
class Guest:
    """A running QEMU with its ssh forwarded, its serial port in a file and its monitor in reach."""

    process: subprocess.Popen[bytes]
    home: Path
    port: int
    key: Path
    user: str
    began: float = field(default_factory=time.monotonic)

    @property
    def serial(self) -> str:
        """What the serial port said so far."""
        with contextlib.suppress(FileNotFoundError):
            return (self.home / "serial.log").read_text(errors="replace")
        return ""

    def seconds(self) -> float:
        """Since QEMU was started."""
        return round(time.monotonic() - self.began, 1)

    def ssh(
        self, command: str, *, user: str = "", timeout: float = 60.0, known: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """One command as the family's user, with the key."""
        words = [
            "ssh",
            "-F",
            "none",
            "-i",
            str(self.key),
            "-p",
            str(self.port),
            "-o",
            "BatchMode=yes",
        ]
        words += ["-o", f"UserKnownHostsFile={known or os.devnull}", "-o", "LogLevel=ERROR"]
        words += [
            "-o",
            f"StrictHostKeyChecking={'yes' if known else 'no'}",
            "-o",
            "ConnectTimeout=30",
        ]
        words += [f"{user or self.user}@127.0.0.1", command]
        return subprocess.run(words, capture_output=True, text=True, timeout=timeout)

    def await_ssh(self) -> float:
        """Seconds from QEMU's start until a command ran over ssh."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                if self.ssh("true").returncode == 0:
                    return self.seconds()
            time.sleep(0.5)
        raise AssertionError(f"no ssh within {PATIENCE:g} s:\n{self.serial[-3000:]}")

    def await_serial(self, text: str) -> float:
        """Seconds from QEMU's start until the serial port said it."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.serial:
            assert self.process.poll() is None, self.serial[-3000:]
            assert time.monotonic() < deadline, self.serial[-3000:]
            time.sleep(0.2)
        return self.seconds()

    def qmp(self, command: str) -> Mapping[str, Any]:
        """One command of QEMU's monitor."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(self.home / "qmp"))
            lines = client.makefile("rwb")
            lines.readline()
            answer: dict[str, Any] = {}
            for word in ("qmp_capabilities", command):
                lines.write(json.dumps({"execute": word}).encode() + b"\n")
                lines.flush()
                answer = json.loads(lines.readline())
            return answer

    def power_button(self) -> float:
        """Press it; seconds until QEMU has ended by itself."""
        began = time.monotonic()
        self.qmp("system_powerdown")
        self.process.wait(PATIENCE)
        return round(time.monotonic() - began, 1)


@contextmanager
def booted(
    qemu: Sequence[str], options: Sequence[str], home: Path, *, key: Path, user: str, memory: int
) -> Iterator[Guest]:
    """A guest with these drives; it is gone when the block ends."""
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        port = finder.getsockname()[1]
    (home / "serial.log").unlink(missing_ok=True)
    command = [
        *qemu, "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", str(memory),
        "-display", "none", "-vga", "none", "-serial", f"file:{home / 'serial.log'}",
        "-qmp", f"unix:{home / 'qmp'},server=on,wait=off",
        "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{port}-:22",
        "-device", "virtio-net-pci,netdev=net,romfile=",
        *options,
    ]  # fmt: skip
    with (home / "qemu.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield Guest(process, home, port, key, user)
    finally:
        process.kill()
        process.wait()


def new_key(home: Path) -> Path:
    """An ssh key; .pub beside it."""
    key = home / "key"
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return key


def sparse_copy(source: Path, target: Path) -> Path:
    """A copy with the same holes, for its owner alone."""
    subprocess.run(["cp", "--sparse=always", str(source), str(target)], check=True)
    target.chmod(0o600)
    return target


def told_by_nocloud(home: Path, user_data: Mapping[str, Any], hostname: str) -> Sequence[str]:
    """QEMU's words for a CD that tells cloud-init that."""
    seed = {
        "user-data": "#cloud-config\n" + json.dumps(user_data),
        "meta-data": json.dumps({"instance-id": "one", "local-hostname": hostname}),
    }
    seed_iso(seed, home / "seed.iso")
    return ["-cdrom", str(home / "seed.iso")]


def told_by_ignition(home: Path, config: Mapping[str, Any]) -> Sequence[str]:
    """QEMU's words that tell Ignition that, over fw_cfg."""
    (home / "config.ign").write_text(json.dumps(config))
    return ["-fw_cfg", f"name=opt/com.coreos/config,file={home / 'config.ign'}"]


def seed_iso(files: Mapping[str, str], path: Path) -> None:
    """cloud-init's medium: a CD labelled cidata."""
    import pycdlib

    disc = pycdlib.PyCdlib()
    disc.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident="cidata")
    for number, (name, text) in enumerate(files.items()):
        content = text.encode()
        disc.add_fp(
            io.BytesIO(content),
            len(content),
            f"/FILE{number}.;1",
            rr_name=name,
            joliet_path=f"/{name}",
        )
    disc.write(str(path))
    disc.close()


def format_me(magic: str, public_key: str, path: Path, *, size: int) -> None:
    """An empty disk that begins with a tar whose first entry is the magic."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, mode, content in (
            (magic, 0o644, magic.encode()),
            (".ssh", 0o700, None),
            (".ssh/authorized_keys", 0o644, f"{public_key.strip()}\n".encode()),
        ):
            entry = tarfile.TarInfo(name)
            entry.mode = mode
            if content is None:
                entry.type = tarfile.DIRTYPE
            else:
                entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content or b""))
    with path.open("wb") as file:
        file.write(out.getvalue())
        file.truncate(size)
