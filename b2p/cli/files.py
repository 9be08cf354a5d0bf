"""cp."""

from __future__ import annotations

import click

from b2p.cli.session import Session, Verb, pass_session


@click.command(cls=Verb)
@click.argument("source", metavar="[MACHINE:]FROM")
@click.argument("goal", metavar="[MACHINE:]TO")
@click.option("--root", is_flag=True, help="As root of the machine instead of core.")
@pass_session
def cp(session: Session, source: str, goal: str, *, root: bool) -> None:
    """Copy a file or a directory into a machine, or out of it: b2p cp notes.txt :/tmp.

    :PATH is in the default machine; what is not absolute is in the home of its user. A directory
    that is there already is copied into. - is what comes in, or goes out.
    """
    from b2p import copying

    default, _ = session.machine()
    start, end = copying.place(source, default), copying.place(goal, default)
    for place in (start, end):
        if place.machine:
            session.wake(place.machine)
    copying.copy(start, end, session.layout, session.report, root=root)
