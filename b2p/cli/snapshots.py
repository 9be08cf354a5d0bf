"""snapshot: create, ls, restore, rm."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from b2p.cli.session import Session, Verb, json_option, machine_option, pass_session


@click.group(invoke_without_command=True)
@click.pass_context
def snapshot(context: click.Context) -> None:
    """Keep and restore states of a stopped machine's disk; nothing is copied."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@snapshot.command(cls=Verb)
@machine_option
@click.argument("word", metavar="SNAPSHOT")
@pass_session
def create(session: Session, name: str, *, word: str) -> None:
    """Keep the disk as it is, under a name."""
    from b2p import snapshots

    now = datetime.now(UTC).isoformat(timespec="seconds")
    snapshots.create(name, word, session.layout, session.report, now=now)
    session.report.note(f"kept as {word!r}; 'b2p snapshot restore {word}' goes back there")


@snapshot.command(cls=Verb)
@machine_option
@json_option
@pass_session
def ls(session: Session, name: str, *, as_json: bool) -> None:
    """List a machine's snapshots, the oldest first."""
    from b2p import sizes, snapshots, tables, terminal
    from b2p.status import SCHEMA

    found = snapshots.listing(name, session.layout)
    if as_json:
        terminal.out(json.dumps({"schema": SCHEMA, "snapshots": found}, indent=2))
    elif found:
        rows = [(one["name"], one["created"], sizes.rounded(one["used_bytes"])) for one in found]
        terminal.out(tables.table(("NAME", "CREATED", "SIZE"), rows))
    else:
        session.report.note("no snapshots yet; 'b2p snapshot create NAME' makes one")


@snapshot.command(cls=Verb)
@machine_option
@click.argument("word", metavar="SNAPSHOT")
@pass_session
def restore(session: Session, name: str, *, word: str) -> None:
    """Have the disk as it was; what was written since and has no name is gone."""
    from b2p import snapshots

    snapshots.restore(name, word, session.layout, session.report)
    session.report.note(f"the disk of machine {name!r} is as it was at {word!r}")


@snapshot.command(cls=Verb)
@machine_option
@click.argument("words", nargs=-1, required=True, metavar="SNAPSHOT...")
@pass_session
def rm(session: Session, name: str, *, words: tuple[str, ...]) -> None:
    """Forget snapshots; data on which the machine's disk lies stays with it."""
    from b2p import snapshots

    snapshots.remove(name, words, session.layout, session.report)
