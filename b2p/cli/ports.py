"""port: ls, add, rm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from b2p.cli.session import (
    Session,
    Verb,
    json_option,
    machine_argument,
    machine_option,
    pass_session,
)

if TYPE_CHECKING:
    from b2p.port import Port


class _Ports(click.Group):
    """`b2p port` and `b2p port NAME` list."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["ls", *args]
        return super().parse_args(ctx, args)


rules_argument = click.argument(
    "rules", nargs=-1, required=True, metavar="[ADDRESS:]HOST:GUEST[/udp]..."
)


@click.group(cls=_Ports)
def port() -> None:
    """List the ports of this computer that lead to a machine; add and remove them by hand.

    What containers publish (docker run -p 8080:80) comes and goes by itself.
    """


@port.command(cls=Verb)
@machine_argument
@json_option
@pass_session
def ls(session: Session, name: str, *, as_json: bool) -> None:
    """List the ports that lead to the machine, and those that should but do not."""
    from b2p import port as story
    from b2p import tables, terminal
    from b2p.status import SCHEMA

    found = story.listing(session.layout, name)
    if as_json:
        values = {"schema": SCHEMA, "ports": [one.as_json() for one in found]}
        terminal.out(json.dumps(values, indent=2))
    elif found:
        rows = [_row(one) for one in found]
        terminal.out(tables.table(("HERE", "MACHINE", "BY", "PROBLEM"), rows))
    else:
        session.report.note(f"no port leads to machine {name!r}")


def _row(one: Port) -> tuple[str, ...]:
    here = f"{one.address}:{one.host_port}" if one.address else "-"
    return here, f"{one.guest_port}/{one.protocol}", one.by, one.problem


@port.command(cls=Verb)
@machine_option
@rules_argument
@pass_session
def add(session: Session, name: str, rules: tuple[str, ...]) -> None:
    """Lead ports of this computer to the machine's: b2p port add 8080:80, 5353:53/udp.

    They stay until they are removed. Open at 127.0.0.1 alone, unless 0.0.0.0: stands before them.
    """
    from b2p import port as story

    story.add(session.layout, name, rules, session.report)


@port.command(cls=Verb)
@machine_option
@rules_argument
@pass_session
def rm(session: Session, name: str, rules: tuple[str, ...]) -> None:
    """End what was added by hand."""
    from b2p import port as story

    story.remove(session.layout, name, rules, session.report)
