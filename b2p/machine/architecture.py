"""Quirks of a guest's architecture, as options and words: nobody else compares its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from b2p.machine.model import Accelerator, Arch

ARCHITECTURES: dict[str, Arch] = {
    "x86_64": "x86_64",
    "amd64": "x86_64",
    "aarch64": "aarch64",
    "arm64": "aarch64",
}
"""Those that there are images for, by the names that people and kernels have for them."""

TRANSLATION_CACHE_MIB = 64
"""Bound of emulation's translated code: a fraction of what QEMU takes unasked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What one kind of guest needs said."""

    machine_options: str
    """Appended to the versioned machine type: what no container engine needs is switched off."""
    console: str
    """The serial console's name in the guest."""
    emulated_cpu: str
    """The model that emulation is quickest at, of those that run what people build today."""
    quiet_cpu: str
    """Kernel words that spare the guest timers and checks which cost an idle host."""
    screen: str
    """The display that firmware and kernels of any age can write on."""
    cd_controller: tuple[str, ...]
    """Options for what CDs hang on, where the board has nothing."""
    cd_device: str
    """Takes the number of the CD."""

    counter_word: str = ""
    """Tells the kernel the pace of the emulated counter (Host.counter_khz); empty: nothing does."""
    devices: tuple[str, ...] = ()
    """Options for devices that only this kind has."""

    def cd_bus(self, number: int) -> str:
        """The device and place of the CD of that number."""
        return self.cd_device.format(number)


_ARCHITECTURES: dict[Arch, Architecture] = {
    "x86_64": Architecture(
        machine_options="hpet=off,vmport=off,smm=off",
        console="ttyS0",
        emulated_cpu="max",
        quiet_cpu="tsc=reliable no_timer_check nowatchdog",
        counter_word="tsc_early_khz={}",
        screen="VGA",
        cd_controller=(),
        cd_device="ide-cd,bus=ide.{}",
        # Tells the guest's kernel that it was resumed, before any of its programs runs.
        devices=("-device", "vmgenid,guid=auto"),
    ),
    "aarch64": Architecture(
        # The newest that there is: a 3, but a 2 under the KVM of computers whose own is one.
        machine_options="gic-version=max",
        console="ttyAMA0",
        # Signing each return address is what emulation is slowest at, and keeps nobody out here.
        emulated_cpu="max,pauth=off",
        quiet_cpu="nowatchdog",
        screen="ramfb",
        cd_controller=("-device", "virtio-scsi-pci,id=scsi"),
        cd_device="scsi-cd,bus=scsi.0,scsi-id={}",
    ),
}


def architecture(arch: Arch) -> Architecture:
    """The quirks of that architecture."""
    return _ARCHITECTURES[arch]


def accelerator_options(arch: Arch, accelerator: Accelerator) -> list[str]:
    """QEMU's options for running the guest's code."""
    if accelerator == "tcg":
        cache = f"tcg,thread=multi,tb-size={TRANSLATION_CACHE_MIB}"
        return ["-accel", cache, "-cpu", architecture(arch).emulated_cpu]
    return ["-accel", accelerator, "-cpu", "host"]


def kernel_words(arch: Arch, accelerator: Accelerator, *, counter_khz: int = 0) -> str:
    """The kernel's command line, as far as computer and accelerator decide it.

    `counter_khz` is Host's.
    """
    quirks = architecture(arch)
    words = [f"console={quirks.console}", "quiet", "loglevel=3", "net.ifnames=0", quirks.quiet_cpu]
    # Without the bpf LSM systemd spares a second of loading libbpf and a program nobody asked for.
    words.append("lsm=landlock,yama")
    # Small heaps stay small, and free memory goes back to the host in pieces of 128 KiB, not 2 MiB.
    words += ["transparent_hugepage=madvise", "page_reporting.page_reporting_order=5"]
    if accelerator == "tcg":
        # Guards against side channels of a processor that is emulated only cost time.
        words.append("mitigations=off")
        # The kernel's tests of its own ciphers: 0.3 s of emulation in which QEMU is what is tested.
        words.append("cryptomgr.notests")
    if counter_khz and quirks.counter_word:
        words.append(quirks.counter_word.format(counter_khz))
    return " ".join(words)
