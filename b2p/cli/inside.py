"""console, ssh, podman."""

from __future__ import annotations

import click

from b2p.cli.session import (
    Session,
    Verb,
    machine_argument,
    machine_option,
    pass_session,
    rest,
    takes_rest,
)


@click.command(cls=Verb)
@machine_argument
@pass_session
def console(session: Session, name: str) -> None:
    """Sit down at the machine's serial console; Ctrl-] leaves it."""
    from b2p import inside

    session.wake(name)
    inside.console(session.layout, name, session.report.note)


@click.command(cls=Verb)
@machine_argument
@click.option("--root", is_flag=True, help="As root instead of core.")
@pass_session
@takes_rest
def ssh(session: Session, name: str, *, root: bool) -> int:
    """Open a shell in a machine, or run a command there: b2p ssh -- df -h.

    One word after -- is a line for the guest's shell; several are the words of one command. The
    exit status is the command's.
    """
    from b2p import inside

    session.wake(name)
    lent = session.settings(name).forward_agent
    return inside.ssh(session.layout, name, rest(), root=root, forward_agent=lent)


@click.command(
    context_settings={
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
    }
)
@machine_option
@click.option("--rootless", is_flag=True, help="As the machine's user, core, instead of root.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="PODMAN'S WORDS...")
@pass_session
def podman(session: Session, name: str, *, arguments: tuple[str, ...], rootless: bool) -> int:
    """Run the machine's own podman, as root: b2p podman ps.

    Its help is at: b2p podman help. The exit status is podman's.
    """
    from b2p import inside

    session.wake(name)
    return inside.podman(session.layout, name, arguments, session.report, rootless=rootless)
