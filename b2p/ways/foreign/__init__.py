"""Images of other families: found or fetched, told who their user is, reached by ssh."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from b2p import images
from b2p.choice import Chooser
from b2p.client import ssh
from b2p.errors import B2PError, GuestError, UsageError
from b2p.families.model import Dialogue, Ignition, NoCloud
from b2p.host import computer
from b2p.machine.model import Uefi
from b2p.provision.dialogue import script
from b2p.provision.multipart import kind_of
from b2p.store import durable
from b2p.supply import Supply
from b2p.ways.foreign import prepare as preparing
from b2p.ways.foreign.plan import Files, kernel_of, plan
from b2p.ways.own import places, settings_in_force, wishes

if TYPE_CHECKING:
    from b2p.choice import Chosen
    from b2p.families.model import Family
    from b2p.formats.bootmenu import Choice
    from b2p.machine.model import Host, Machine
    from b2p.settings import Settings
    from b2p.store.layout import MachineFiles
    from b2p.store.record import Record
    from b2p.ways import Attempt, Context


class Foreign:
    """See Way."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._chosen: Chosen | None = None
        self._kernel: Choice | None = None
        self._variables: Path | None = None

    def planned(self, record: Record) -> tuple[Record, Host, Machine]:
        """The image is found, or fetched; QEMU and firmware are found, or brought."""
        context, files = self.context, self.context.files
        if context.settings.more_mounts:
            context.report.warn(
                "nothing is mounted: only b2p's own image can", "copy it there: b2p cp"
            )
        if record.network:
            context.report.warn(
                f"machine {record.name!r} is not in network {record.network!r}: only b2p's own"
                " image can be",
                "publish its ports: the others reach them at host.containers.internal",
            )
        _check_boundary(context.settings)
        settings = settings_in_force(context.settings, record)
        user_data = _content(settings.user_data, "user-data")
        if user_data:
            kind_of(user_data)  # before anything is fetched for it
        chosen = self._choose(record, settings)
        _check_told(chosen.family, settings)
        with Supply(settings, context.layout, context.report) as supply:
            host = supply.host(supply.qemu())
            self._chosen = chosen
            self._kernel = kernel_of(chosen.family, chosen.found, host)
            uefi = self._uefi(chosen, host, supply)
        record = replace(
            record,
            image=chosen.digest,
            family=chosen.family.name,
            mounts=(),
            network="",
            network_number=0,
            image_path="" if chosen.in_cache else str(chosen.path),
        )
        own = places(files)
        machine = plan(
            wishes(record),
            host,
            chosen.family,
            chosen.found,
            kernel=self._kernel,
            files=_files(chosen.path, files),
            places=replace(own, sockets=replace(own.sockets, control="")),
            uefi=uefi,
        )
        return record, host, machine

    def prepare(self, record: Record) -> None:
        """Disks, and what the guest is told."""
        assert self._chosen  # noqa: S101 - planned comes first
        context, files = self.context, self.context.files
        if self._variables is not None:
            preparing.copy_variables(self._variables, files.uefi_variables)
        preparing.prepare(
            record,
            self._chosen,
            self._kernel,
            preparing.told(record, context.layout, files, context.settings.of_registries),
            files,
            user_data=_content(context.settings.user_data, "user-data"),
            user_ignition=_content(context.settings.ignition, "Ignition configuration"),
        )

    def told_again(self) -> dict[str, Any]:
        """Nothing: nobody in there listens."""
        return {}

    def until_ready(self, attempt: Attempt) -> None:
        """By ssh and by the engine's answer."""
        from b2p.ways.foreign.waiting import Waiting

        assert self._chosen  # noqa: S101 - planned comes first
        context, files, family = self.context, self.context.files, self._chosen.family
        target = ssh.Target(
            name=context.name,
            port=attempt.record.ssh_port,
            key=context.layout.user_key,
            known_hosts=files.known_hosts,
            user=family.user.name,
        )
        waiting = Waiting(attempt, family, target, files, timeout=context.settings.timeout)
        try:
            if isinstance(family.provisioner, Dialogue) and not attempt.record.first_ready:
                self._talk(attempt, family, family.provisioner)
            waiting.until_ready()
        except GuestError as error:
            if picture := self._pictured():
                said = "" if _has_spoken(files) else "its serial console is silent, and "
                error.hint = f"{error.hint}; {said}its screen shows this: {picture}"
            raise

    def _talk(self, attempt: Attempt, family: Family, recipe: Dialogue) -> None:
        """Tell the guest on its console; what its host key is, it says there."""
        from b2p.control import dialogue

        files = self.context.files
        wished = self.context.settings.of_registries
        guest = preparing.told(attempt.record, self.context.layout, files, wished)
        steps = script(family, recipe, guest, secrets.token_hex(8))
        with attempt.watch.lent():
            kept = dialogue.play(
                files.console,
                steps,
                timeout=self.context.settings.timeout,
                say=attempt.task.say,
            )
        hosts = ssh.known_hosts(self.context.name, kept["host_key"])
        durable.write(files.known_hosts, hosts.encode())

    def _pictured(self) -> Path | None:
        """A picture of the screen, since not every loader and kernel uses the serial console."""
        from b2p.control import screenshot
        from b2p.control.monitor import Monitor

        try:
            with Monitor(self.context.files.qmp) as monitor:
                return screenshot.take(monitor, self.context.layout.failed_screen)
        except B2PError:
            return None

    def _uefi(self, chosen: Chosen, host: Host, supply: Supply) -> Uefi | None:
        """Only where nothing else starts the image: BIOS comes with QEMU, and is faster."""
        wanted = chosen.family.firmware.get(host.arch, ("uefi",))
        if self._kernel is not None or ("bios" in wanted and chosen.found.boots_bios):
            return None
        brought = supply.uefi()
        self._variables = brought.variables
        return Uefi(code=str(brought.code), variables=str(self.context.files.uefi_variables))

    def _choose(self, record: Record, settings: Settings) -> Chosen:
        context, arch = self.context, computer.guest_arch(settings.arch)
        with images.puller(settings, context.layout, context.report) as puller:
            chooser = Chooser(puller, context.layout.media, arch, context.report)
            if "image" not in settings.said and record.family:
                return chooser.recorded(record)
            chosen = chooser.wished(settings.image)
        if record.first_ready and chosen.family.name == record.family:
            _check_base(record, chosen, settings.image)
        return chosen


def _check_boundary(settings: Settings) -> None:
    """Raise UsageError where nobody in the machine would hold what was wished."""
    if not settings.host_loopback:
        raise UsageError(
            "host_loopback = false holds in b2p's own image only",
            "set it to true for this machine, if it may reach what listens at 127.0.0.1 here",
        )


def _check_told(family: Family, settings: Settings) -> None:
    """Raise UsageError where the user's own file would reach nobody in the guest."""
    ways = {"user-data": (settings.user_data, NoCloud), "ignition": (settings.ignition, Ignition)}
    for name, (path, provisioner) in ways.items():
        if path and not isinstance(family.provisioner, provisioner):
            raise UsageError(
                f"{family.name} cannot be told by a file of {name}: nothing in it reads one",
                f"leave out --{name}; 'b2p image ls --available' shows what each image is told by",
            )


def _check_base(record: Record, chosen: Chosen, word: str) -> None:
    """Raise UsageError where the machine's disk lies on another image than is asked for now."""
    if chosen.found.kind != "iso" and chosen.digest != record.image:
        raise UsageError(
            f"the disk of machine {record.name!r} lies on image {record.image[:12]!r}",
            f"start it without --image, or make another one: b2p up NAME --image {word}",
        )


def _has_spoken(files: MachineFiles) -> bool:
    """Whether anything came from the serial console."""
    try:
        return files.console_log.stat().st_size > 0
    except OSError:
        return False


def _content(path: str, what: str) -> bytes:
    """The user's own file; empty where none was given."""
    if not path:
        return b""
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise UsageError(
            f"the {what} {path!r} cannot be read: {(error.strerror or str(error)).lower()}",
            "see to its path",
        ) from error


def _files(image: Path, files: MachineFiles) -> Files:
    return Files(
        image=str(image),
        boot=str(files.boot),
        system_disk=str(files.system_disk),
        data_disk=str(files.data_disk),
        seed=str(files.seed),
        ignition=str(files.ignition),
    )
