"""env."""

from __future__ import annotations

import os
import sys

import click

from b2p.cli.session import Session, Verb, machine_argument, pass_session


@click.command(cls=Verb, name="env")
@machine_argument
@click.option("--shell", type=click.Choice(["bash", "zsh", "sh", "fish"]),
              help="Whose language to speak (default: that of $SHELL).")  # fmt: skip
@click.option("--docker", is_flag=True, help="Lead docker's clients there too.")
@click.option("--unset", is_flag=True, help="Print what takes the variables away again.")
@pass_session
def environment(
    session: Session, name: str, *, shell: str | None, docker: bool, unset: bool
) -> None:
    """Print what podman and docker need to find the machine: eval "$(b2p env --docker)"."""
    from b2p import status, terminal
    from b2p.client import env

    kind = env.shell_of(shell or os.environ.get("SHELL", ""))
    if unset:
        terminal.out(env.unsets(kind, docker=docker))
        return
    one = status.one_machine(session.layout, name)
    if one.state != "running":
        session.report.warn(f"machine {name!r} is not running", f"start it with 'b2p up {name}'")
    terminal.out(env.exports(env.variables(one.files.podman, docker=docker), kind))
    if sys.stdout.isatty():
        words = " ".join(word for word in click.get_current_context().command_path.split())
        line = f'eval "$({words}{" --docker" if docker else ""})"'
        terminal.say(f"# {words} --docker | source" if kind == "fish" else f"# {line}")
