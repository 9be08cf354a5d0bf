"""upgrade."""

from __future__ import annotations

import json

import click

from b2p.cli.session import Session, Verb, json_option, machine_argument, pass_session


@click.command(cls=Verb)
@machine_argument
@click.option("--rollback", is_flag=True, help="Go back to the image of before the last upgrade.")
@click.option("--disk", is_flag=True, help="With --rollback: to the data of then too.")
@json_option
@pass_session
def upgrade(session: Session, name: str, *, rollback: bool, disk: bool, as_json: bool) -> None:
    """Start a machine on an image of today's packages.

    Says what changes. The data disk is kept as it was under the name before-upgrade; a machine
    that does not come up goes back by itself.
    """
    if disk and not rollback:
        raise click.UsageError("--disk goes with --rollback", click.get_current_context())
    from b2p import terminal
    from b2p import upgrade as story

    settings = session.settings(name)
    if rollback:
        image = story.rollback(name, settings, session.layout, session.report, disk=disk)
        values: dict[str, object] = {"image": image}
    else:
        done = story.upgrade(name, settings, session.layout, session.report)
        values = {"image": done.image, "before": done.before, "changes": list(done.changes)}
    if as_json:
        terminal.out(json.dumps({"schema": 1, **values}, indent=2))
