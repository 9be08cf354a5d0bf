"""ls, status, inspect, logs."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import TYPE_CHECKING, Any

import click

from b2p.cli.session import Session, Verb, json_option, machine_argument, pass_session

if TYPE_CHECKING:
    from b2p.status import Status

HEADINGS = ("NAME", "STATE", "CPUS", "MEMORY", "DISK", "IMAGE")
NETWORK_HEADING = "NETWORK"
ARCH_HEADING = "ARCH"
"""One column more, where any machine is in a network."""
SPARE = ("IMAGE", "CPUS")
"""What a narrow terminal is spared."""


@click.command(cls=Verb)
@json_option
@pass_session
def ls(session: Session, *, as_json: bool) -> None:
    """List the machines."""
    from b2p import status, tables, terminal
    from b2p.host import computer

    machines = status.all_machines(session.layout)
    if as_json:
        terminal.out(_json({"machines": [one.as_json() for one in machines]}))
    elif machines:
        headings: tuple[str, ...] = HEADINGS
        rows = [_row(one) for one in machines]
        # Told where they tell something.
        networks = [one.record.network if one.record else "" for one in machines]
        if any(networks):
            headings = (*headings, NETWORK_HEADING)
            rows = [(*row, network or "-") for row, network in zip(rows, networks, strict=True)]
        if any(one.record and one.arch != computer.arch() for one in machines):
            headings = (*headings, ARCH_HEADING)
            rows = [(*row, one.arch or "-") for row, one in zip(rows, machines, strict=True)]
        terminal.out(tables.table(headings, rows, spare=SPARE))
    else:
        session.report.note("no machines yet; 'b2p up' makes one")


def _row(one: Status) -> tuple[str, ...]:
    from b2p import sizes, status

    if one.record is None:
        return one.name, one.state, "-", "-", "-", "-"
    record = one.record
    used = sizes.rounded(status.used_bytes(*one.files.disks))
    memory = sizes.written(record.memory_mib * sizes.MIB)
    disk = f"{used} of {sizes.written(record.disk_bytes)}"
    return one.name, one.state, str(record.cpus), memory, disk, record.image[:12]


@click.command(cls=Verb)
@machine_argument
@json_option
@pass_session
def status(session: Session, name: str, *, as_json: bool) -> None:
    """Say how a machine is, and whether its engine answers."""
    from b2p import status as story
    from b2p import terminal

    one = story.one_machine(session.layout, name)
    problems = _port_problems(one)
    if as_json:
        terminal.out(_json({**one.as_json(), "port_problems": problems}))
        return
    facts = [_fact(key, value) for key, value in one.as_json().items() if value != ""]
    facts += [("port", problem) for problem in problems]
    width = max(len(key) for key, _ in facts)
    terminal.out("\n".join(f"{key:<{width}}  {value}" for key, value in facts))


def _port_problems(one: Status) -> list[str]:
    """Ports that should lead to the machine and do not."""
    if one.state != "running" or one.record is None:
        return []
    from b2p import port

    return port.problems(one.record, one.files)


def _fact(key: str, value: object) -> tuple[str, str]:
    """A line for a person: words for truths, units for sizes."""
    from b2p import sizes

    if key == "image":
        # As `ls` and `image ls` show it; `inspect` has all of it.
        return key, str(value)[:12]
    if isinstance(value, bool):
        return key.replace("_", " "), "yes" if value else "no"
    if isinstance(value, int) and key.endswith("_bytes"):
        return key.removesuffix("_bytes").replace("_", " "), sizes.rounded(value)
    return key.replace("_", " "), str(value)


@click.command(cls=Verb)
@machine_argument
@pass_session
def inspect(session: Session, name: str) -> None:
    """Show all that was decided about a machine, and where its files are (JSON)."""
    from b2p import status as story
    from b2p import terminal

    one = story.one_machine(session.layout, name)
    decided: dict[str, Any] = dataclasses.asdict(one.record) if one.record else {}
    decided |= decided.pop("others", {})
    values = {**one.as_json(), "decided": decided, "files": _files(one)}
    terminal.out(_json(values))


def _files(one: Status) -> dict[str, str]:
    """Each file of the machine by its name in MachineFiles."""
    kind = type(one.files)
    names = [name for name, value in vars(kind).items() if isinstance(value, property)]
    paths = {name: getattr(one.files, name) for name in names}
    return {name: str(path) for name, path in paths.items() if not isinstance(path, tuple)}


def _json(values: dict[str, Any]) -> str:
    from b2p.status import SCHEMA

    return json.dumps({"schema": SCHEMA, **values}, indent=2, ensure_ascii=False)


@click.command(cls=Verb)
@machine_argument
@click.option("-f", "--follow", is_flag=True, help="Go on with what is said from now on.")
@click.option("--qemu", is_flag=True, help="What QEMU itself said, instead of the guest.")
@pass_session
def logs(session: Session, name: str, *, follow: bool, qemu: bool) -> int:
    """Show what the machine's console said since it was started last."""
    from b2p import logs as story
    from b2p import terminal

    try:
        for text in story.read(session.layout, name, qemu=qemu, follow=follow):
            terminal.out(text)
            # Whoever follows through a pipe wants each line as it comes.
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    return 0
