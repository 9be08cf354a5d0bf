"""scratch: an engine for one command."""

from __future__ import annotations

import click

from b2p.cli.session import Session, Verb, pass_session, rest, takes_rest


@click.command(cls=Verb)
@click.option("--cpus", metavar="NUMBER", help="Processors of the machine.")
@click.option("--memory", metavar="SIZE", help="Its memory, such as 2GiB.")
@click.option("--disk", metavar="SIZE", help="The most that its disk may hold, such as 100GiB.")
@click.option("--arch", metavar="WORD", help="Its processor: auto, amd64 or arm64.")
@click.option("--accel", metavar="WORD", help="auto, kvm, hvf or tcg (emulation).")
@click.option("--engine", metavar="WORD", help="podman or docker, in b2p's own image.")
@click.option("--image", metavar="IMAGE", help="What it boots, as for 'b2p up'.")
@click.option("--timeout", metavar="SECONDS", help="How long it may take to answer.")
@pass_session
@takes_rest
def scratch(session: Session, **flags: str | None) -> int:
    """Run a command with an engine of its own, which is gone afterwards.

    b2p scratch -- docker version

    CONTAINER_HOST, DOCKER_HOST and what Testcontainers reads lead to it. The command's status is
    handed on.
    """
    command = rest()
    if not command:
        raise click.UsageError("no command follows '--'", click.get_current_context())
    from b2p import settings
    from b2p.throwaway import NAME
    from b2p.throwaway import scratch as story

    given = settings.from_texts(flags)
    return story(command, session.settings(NAME, given), session.layout, session.report)
