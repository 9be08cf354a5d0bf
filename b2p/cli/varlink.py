"""varlink: call, info."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from b2p.cli.session import Session, Verb, json_option, machine_option, pass_session

if TYPE_CHECKING:
    from b2p.client.varlink import Connection


@click.group(invoke_without_command=False)
def varlink() -> None:
    """Speak varlink with a machine, as podman's clients of 2018 to 2020 did."""


@varlink.command(cls=Verb)
@machine_option
@click.argument("method")
@click.argument("parameters", required=False, default="")
@click.option("--more", is_flag=True, help="Take every reply of a method that goes on.")
@pass_session
def call(session: Session, name: str, method: str, parameters: str, *, more: bool) -> None:
    """Call METHOD with PARAMETERS (JSON) and print each reply as JSON.

    b2p varlink call io.podman.GetContainer '{"id": "web"}'
    """
    from b2p import terminal
    from b2p.client.varlink import arguments

    values = arguments(parameters)
    with _connection(session, name) as service:
        replies = service.stream(method, values) if more else [service.call(method, values)]
        for reply in replies:
            terminal.out(json.dumps(reply, indent=2))


@varlink.command(cls=Verb)
@machine_option
@json_option
@pass_session
def info(session: Session, name: str, *, as_json: bool) -> None:
    """Say who serves varlink in the machine, and which interfaces."""
    from b2p import terminal

    with _connection(session, name) as service:
        found = service.call("org.varlink.service.GetInfo")
    if as_json:
        terminal.out(json.dumps({"schema": 1, **found}, indent=2))
        return
    for key, value in found.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        terminal.out(f"{key:<12}{text}")


def _connection(session: Session, name: str) -> Connection:
    from b2p import inside

    session.wake(name)
    return inside.varlink(session.layout, name)
