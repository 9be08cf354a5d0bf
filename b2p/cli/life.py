"""up, down, suspend, set, autostart, rm."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from b2p import names
from b2p.cli.session import (
    Session,
    Verb,
    called_as,
    machine_argument,
    own_command,
    pass_session,
    rest,
    takes_rest,
)

if TYPE_CHECKING:
    from b2p.store.record import Record
    from b2p.timing import Timed


idle_option = click.option(
    "--idle-suspend",
    metavar="TIME",
    help="Suspend it when nobody needs it for so long, such as 30m; or off.",
)
network_option = click.option(
    "--network", metavar="NAME", help="The machines of one network know one another; or none."
)


@click.command(cls=Verb)
@machine_argument
@click.option("--cpus", metavar="NUMBER", help="Processors of the machine.")
@click.option("--memory", metavar="SIZE", help="Its memory, such as 2GiB.")
@click.option("--disk", metavar="SIZE", help="The most that its disk may hold, such as 100GiB.")
@click.option("--arch", metavar="WORD", help="Its processor: auto, amd64 or arm64.")
@click.option("--accel", metavar="WORD", help="auto, kvm, hvf or tcg (emulation).")
@click.option(
    "--image",
    metavar="IMAGE",
    help="What it boots: b2p, a family (see 'image ls --available'), a path or an address.",
)
@click.option("--engine", metavar="WORD", help="podman or docker, in b2p's own image.")
@click.option("--mount", "mount", multiple=True, metavar="HOST[:GUEST][:ro][:cached]",
              help="One more directory that the guest has; default: your home, /tmp.")  # fmt: skip
@click.option("--no-mount", is_flag=True, help="None but those of --mount.")
@click.option("--user-data", metavar="FILE", help="For images with cloud-init.")
@click.option("--ignition", metavar="FILE", help="For images with Ignition.")
@click.option("--qemu", metavar="WHICH", help="auto, system, managed (b2p brings one) or a path.")
@click.option("--mirror", metavar="URL", help="The Debian mirror to read packages from.")
@click.option("--timeout", metavar="SECONDS", help="How long it may take to answer.")
@click.option("--bundle", metavar="FILE", help="Take the image and QEMU from what 'bundle' wrote.")
@click.option("--offline", is_flag=True, help="Fetch nothing: what is missing is an error.")
@idle_option
@network_option
@click.option("--default", is_flag=True, help="Have podman and docker here go there by default.")
@click.option("--provision", is_flag=True, help="Run the scripts of its first start again.")
@click.option("--dry-run", is_flag=True, help="Print QEMU's command line and start nothing.")
@click.option("--timing", is_flag=True, help="Say how long each stage took.")
@click.option("--json", "as_json", is_flag=True, help="With --timing: for programs, on stdout.")
@pass_session
@takes_rest
def up(
    session: Session,
    name: str,
    *,
    dry_run: bool,
    default: bool,
    provision: bool,
    timing: bool,
    as_json: bool,
    mount: tuple[str, ...],
    no_mount: bool,
    bundle: str | None,
    offline: bool,
    **flags: str | None,
) -> None:
    """Start a machine, made on first use; returns when its engine answers.

    What follows -- is given to QEMU as it is, last, so it wins:
    b2p up -- -device virtio-rng-pci
    """
    if as_json and not timing:
        raise click.UsageError("--json goes with --timing", click.get_current_context())
    from b2p import settings, terminal
    from b2p.timing import Timed

    timed = Timed(session.report)
    given = settings.from_texts(flags) | ({"offline": True} if offline else {})
    if mount or no_mount:
        given |= _mounts(mount, alone=no_mount)
    wishes = session.settings(name, given)
    if bundle is not None:
        from b2p import bundles

        bundles.bring(Path(bundle), session.layout, session.report)
    from b2p.up import up as story

    how = {"dry_run": dry_run, "default": default, "provision": provision}
    report = timed if timing else session.report
    result = story(name, wishes, session.layout, report, **how, extra=rest())
    if timing:
        _tell_timing(timed, as_json=as_json)
    if dry_run:
        terminal.out(shlex.join(result.command))
    else:
        _tell_way(session, result.record)


def _tell_way(session: Session, record: Record) -> None:
    """How clients find it, to whom does not know it yet."""
    from b2p import engine

    variable = "CONTAINER_HOST" if engine.speaks_podman(record) else "DOCKER_HOST"
    if os.environ.get(variable) == f"unix://{session.layout.machine(record.name).podman}":
        return
    clients = "--docker" if engine.speaks_rest(record) else "--varlink"
    words = ["env", *([] if record.name == names.DEFAULT else [record.name]), clients]
    session.report.note(f'to use it: eval "$({called_as()} {" ".join(words)})"')


def _tell_timing(timed: Timed, *, as_json: bool) -> None:
    """The stages and their seconds, in order."""
    from b2p import tables, terminal
    from b2p.status import SCHEMA

    found = timed.stages()
    if as_json:
        timing = [{"stage": stage, "seconds": round(took, 3)} for stage, took in found.items()]
        terminal.out(json.dumps({"schema": SCHEMA, "timing": timing}, indent=2))
        return
    rows = [(f"{took:.2f}", stage) for stage, took in found.items()]
    rows.append((f"{sum(found.values()):.2f}", "all"))
    terminal.out(tables.table(("SECONDS", "STAGE"), rows))


def _mounts(words: tuple[str, ...], *, alone: bool) -> dict[str, object]:
    """The settings that flags of mounts stand for."""
    from b2p import mounts

    home = Path(os.environ.get("HOME", "/"))
    found = [mounts.written(word, Path.cwd(), home) for word in words]
    return {"mounts": found} if alone else {"more_mounts": found}


@click.command(cls=Verb)
@machine_argument
@click.option("--force", is_flag=True, help="Do not wait for the guest: pull the plug.")
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    help="How long the guest may take to power off.",
)
@pass_session
def down(session: Session, name: str, *, force: bool, timeout: int) -> None:
    """Power a machine off. Its containers, images and volumes stay."""
    from b2p.down import down as story

    story(name, session.layout, session.report, force=force, timeout=timeout)


@click.command(cls=Verb)
@machine_argument
@pass_session
def suspend(session: Session, name: str) -> None:
    """Keep a machine as it is and end its QEMU; 'b2p up' goes on where it was."""
    from b2p.suspend import suspend as story

    story(name, session.layout, session.report)


@click.command(cls=Verb, name="set")
@machine_argument
@click.option("--cpus", metavar="NUMBER", help="Processors of the machine.")
@click.option("--memory", metavar="SIZE", help="Its memory, such as 2GiB.")
@click.option("--disk", metavar="SIZE", help="The most that its disk may hold; it only grows.")
@click.option("--accel", metavar="WORD", help="auto, kvm, hvf or tcg (emulation).")
@click.option("--varlink", metavar="WORD", help="unix, tcp or off.")
@idle_option
@network_option
@pass_session
def change(session: Session, /, name: str, **flags: str | None) -> None:
    """Change a machine; what was changed is in force when it is started next."""
    from b2p import settings
    from b2p.change import change as story
    from b2p.host import computer

    given = settings.from_texts(flags)
    cores = computer.cores()
    wishes = settings.merged([settings.Layer(settings.COMMAND_LINE, given)], cores=cores)
    layers = [layer for layer in session.layers(name) if layer.values]
    merged = settings.merged(layers, cores=cores)
    overruled = {
        key: layer.origin
        for layer in layers
        for key in layer.values.keys() & given.keys()
        if getattr(merged, key) != getattr(wishes, key)
    }
    story(name, wishes, session.layout, session.report, overruled=overruled)


@click.command(cls=Verb)
@click.argument("wish", required=False, type=click.Choice(["on", "off"]))
@machine_argument
@pass_session
def autostart(session: Session, wish: str | None, name: str) -> None:
    """Have a machine started when you log in, or not; without a word, say how it is.

    By a unit of your own systemd, or launchd's agent; nothing of b2p's waits for it.
    """
    from b2p import autostart as story
    from b2p import terminal

    if wish == "on":
        story.on(name, own_command(), session.layout, session.report)
    elif wish == "off":
        was_on = story.off(name, session.layout)
        state = "starts no more when you log in" if was_on else "did not start when you log in"
        session.report.note(f"machine {name!r} {state}")
    else:
        terminal.out("on" if story.is_on(name, session.layout) else "off")


@click.command(cls=Verb)
@click.argument("source", metavar="SOURCE")
@click.argument("name", metavar="NAME")
@pass_session
def clone(session: Session, source: str, name: str) -> None:
    """Make another machine with the disk of one that is stopped or suspended.

    Of a suspended one it has the memory too, and 'b2p up' goes on where that was. Names, ssh keys
    and machine-id are its own.
    """
    from b2p.clone import clone as story

    story(names.checked(source), names.checked(name), session.layout, session.report)


@click.command(cls=Verb)
@click.option("-f", "--force", is_flag=True, help="Also one that is running, without asking.")
@click.argument("machines", nargs=-1, required=True, metavar="NAME...")
@pass_session
def rm(session: Session, machines: tuple[str, ...], *, force: bool) -> None:
    """Remove machines and all that is in them: containers, images, volumes."""
    chosen = dict.fromkeys(map(names.checked, machines))
    from b2p.remove import remove as story

    for name in chosen:
        story(name, session.layout, session.report, force=force)
