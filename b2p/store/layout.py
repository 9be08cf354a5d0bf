"""Every file and directory that b2p makes on the host, named once.

Data (machines), cache (rebuilt when lost) and config by platformdirs; sockets in a short path of
their own, because a unix socket's address holds about 100 bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SOCKET_PATH_LIMIT = 100
"""Bytes of a socket's path that every kernel and QEMU take (104 on macOS, 108 on Linux)."""


@dataclass(frozen=True, slots=True)
class MachineFiles:
    """The files of one machine: `home` keeps what was decided, `run` the sockets."""

    home: Path
    run: Path

    @property
    def record(self) -> Path:
        """What was decided about the machine (JSON, schema 1)."""
        return self.home / "machine.json"

    @property
    def lock(self) -> Path:
        """Held (flock) by the one b2p that changes the machine."""
        return self.home.parent / f".{self.home.name}.lock"

    @property
    def users(self) -> Path:
        """Held (flock, shared) by each program that has the machine up for a while."""
        return self.home.parent / f".{self.home.name}.users"

    @property
    def data_disk(self) -> Path:
        """Containers, homes, what lasts: raw, sparse, ext4 made by the guest."""
        return self.home / "data.raw"

    @property
    def data_disk_aside(self) -> Path:
        """A copy of a golden state's disk on its way to be the data disk."""
        return self.home / "data.new"

    @property
    def data_overlay(self) -> Path:
        """What was written since a snapshot, over that snapshot's layer; in place of data.raw."""
        return self.home / "data.qcow2"

    @property
    def snapshots(self) -> Path:
        """The layers of the data disk that snapshots keep, one directory each."""
        return self.home / "snapshots"

    @property
    def system_disk(self) -> Path:
        """What the machine wrote on the disk of an image of another family: a qcow2 overlay."""
        return self.home / "system.qcow2"

    @property
    def disks(self) -> tuple[Path, ...]:
        """All disks that a machine can have; most have one of them."""
        return self.data_disk, self.data_overlay, self.system_disk

    @property
    def boot(self) -> Path:
        """A directory: kernel and initrds taken out of an ISO, with what the guest is told."""
        return self.home / "boot"

    @property
    def seed(self) -> Path:
        """What cloud-init reads: a volume labelled cidata."""
        return self.home / "cidata.iso"

    @property
    def ignition(self) -> Path:
        """What Ignition reads."""
        return self.home / "config.ign"

    @property
    def uefi_variables(self) -> Path:
        """UEFI's variables, which the machine writes to."""
        return self.home / "uefi-variables.fd"

    @property
    def saved_state(self) -> Path:
        """Memory and devices of a machine that was suspended, as QEMU saved them."""
        return self.home / "suspended.state"

    @property
    def used_state(self) -> Path:
        """A state that was resumed, until it is removed."""
        return self.home / "suspended.used"

    @property
    def saved_manifest(self) -> Path:
        """What a saved state was made from (JSON); with it the machine counts as suspended."""
        return self.home / "suspended.json"

    @property
    def memory(self) -> Path:
        """A machine's memory, while it is made to be a golden state."""
        return self.home / "ram"

    @property
    def devices(self) -> Path:
        """Its devices, as QEMU saves them beside the memory."""
        return self.home / "devices"

    @property
    def nothing(self) -> Path:
        """A directory that stays empty: what the guest could see where it has nothing to mount."""
        return self.home / "nothing"

    @property
    def host_key(self) -> Path:
        """The machine's ssh host key; .pub beside it."""
        return self.home / "ssh_host_ed25519_key"

    @property
    def known_hosts(self) -> Path:
        """The host key as ssh wants to read it."""
        return self.home / "known_hosts"

    @property
    def clients(self) -> Path:
        """Which clients of this computer were told of the machine (JSON)."""
        return self.home / "clients.json"

    @property
    def ssh_config(self) -> Path:
        """What ssh is to know of it: a Host block, to be included."""
        return self.home / "ssh_config"

    @property
    def console_log(self) -> Path:
        """Everything the serial console said since the last start."""
        return self.home / "console.log"

    @property
    def qemu_log(self) -> Path:
        """What QEMU itself wrote on stdout and stderr."""
        return self.home / "qemu.log"

    @property
    def qmp(self) -> Path:
        """QEMU's monitor for verbs, used under the machine's lock."""
        return self.run / "qmp.sock"

    @property
    def calls(self) -> Path:
        """QEMU's second monitor, for host calls and questions; never under the lock."""
        return self.run / "call.sock"

    @property
    def console(self) -> Path:
        """The serial console."""
        return self.run / "console.sock"

    @property
    def control(self) -> Path:
        """The agent's virtio-serial port."""
        return self.run / "control.sock"

    @property
    def podman(self) -> Path:
        """Root's engine: podman's and docker's API."""
        return self.run / "podman.sock"

    @property
    def podman_core(self) -> Path:
        """The engine of the guest's user `core`."""
        return self.run / "podman-core.sock"

    @property
    def docker(self) -> Path:
        """Root's engine for docker's clients that insist on a newer API than podman claims."""
        return self.run / "docker.sock"

    @property
    def varlink(self) -> Path:
        """io.podman as clients of 2018 know it."""
        return self.run / "varlink.sock"

    @property
    def call_script(self) -> Path:
        """What QEMU starts for each host call of the guest; made anew at every start."""
        return self.run / "call"

    @property
    def token(self) -> Path:
        """What a host call has to show; made anew at every start."""
        return self.run / "token"

    @property
    def sockets(self) -> tuple[Path, ...]:
        """Every socket of the machine: what a stopped one must not leave."""
        return (
            *(self.qmp, self.calls, self.console, self.control),
            *(self.podman, self.podman_core, self.docker, self.varlink),
        )


@dataclass(frozen=True, slots=True)
class StateFiles:
    """The files of one golden state: none is ever written to, but the manifest."""

    home: Path

    @property
    def memory(self) -> Path:
        """The machine's memory: as large as it, sparse."""
        return self.home / "ram"

    @property
    def devices(self) -> Path:
        """All else that the machine was, as QEMU saved it."""
        return self.home / "devices"

    @property
    def disk(self) -> Path:
        """The data disk that goes with a fresh state; a bare one has none."""
        return self.home / "data.raw"

    @property
    def console(self) -> Path:
        """What was said on the console until then."""
        return self.home / "console.log"

    @property
    def manifest(self) -> Path:
        """What the state was made from (JSON); its mtime is when the state was last used."""
        return self.home / "manifest.json"


@dataclass(frozen=True, slots=True)
class Layout:
    """The roots under which all files of one user lie."""

    data: Path
    cache: Path
    config: Path
    sockets: Path
    is_throwaway: bool = False
    """Whether its machines are such as `b2p scratch` makes: in the cache, and in no list."""

    @property
    def machines(self) -> Path:
        """One directory a machine."""
        return self.cache / "scratch" if self.is_throwaway else self.data / "machines"

    def throwaway(self) -> Layout:
        """The same, for machines that are gone after their use."""
        return replace(self, is_throwaway=True)

    @property
    def user_key(self) -> Path:
        """The ssh key that opens every machine of this user; .pub beside it."""
        return self.data / "id_ed25519"

    @property
    def ssh_configs(self) -> Path:
        """A pattern of all machines' blocks for ssh, as its Include takes it."""
        return self.machines / "*" / "ssh_config"

    @property
    def settings(self) -> Path:
        """The user's settings."""
        return self.config / "b2p.toml"

    @property
    def debs(self) -> Path:
        """Debian packages, each named by its sha256."""
        return self.cache / "debs"

    @property
    def indexes(self) -> Path:
        """InRelease and Packages files of mirrors, as last verified."""
        return self.cache / "indexes"

    @property
    def images(self) -> Path:
        """Built images, each in a directory named by its digest."""
        return self.cache / "images"

    @property
    def media(self) -> Path:
        """Images from elsewhere, each in a directory named by its digest."""
        return self.cache / "media"

    @property
    def states(self) -> Path:
        """Golden states, each in a directory named by the digest of all that it depends on."""
        return self.cache / "states"

    @property
    def uefi(self) -> Path:
        """UEFI firmware that b2p brought, each in a directory named by its digest."""
        return self.cache / "uefi"

    @property
    def loaders(self) -> Path:
        """Boot loaders of exported images, each set in a directory named by its digest."""
        return self.cache / "loaders"

    @property
    def qemu(self) -> Path:
        """QEMUs that b2p brought, each in a directory named by its digest."""
        return self.cache / "qemu"

    @property
    def findings(self) -> Path:
        """What QEMUs said of themselves and which accelerators passed (JSON)."""
        return self.cache / "findings.json"

    @property
    def failed_console(self) -> Path:
        """The console of the last new machine that did not come up."""
        return self.cache / "failed-console.log"

    @property
    def failed_screen(self) -> Path:
        """The screen of the last machine that did not come up, where it had one."""
        return self.cache / "failed-screen.png"

    @property
    def network_numbers(self) -> Path:
        """Held (flock) while a machine is given its number in a network."""
        return self.machines / ".networks"

    def network(self, name: str) -> Path:
        """The directory of the sockets at which the machines of a network meet."""
        short = hashlib.sha256(f"network {name} {self.machines}".encode()).hexdigest()[:8]
        return self.sockets / short

    def machine(self, name: str) -> MachineFiles:
        """The files of the machine of that name, whether it exists or not."""
        home = self.machines / name
        short = hashlib.sha256(str(home).encode()).hexdigest()[:8]
        return MachineFiles(home=home, run=self.sockets / short)
