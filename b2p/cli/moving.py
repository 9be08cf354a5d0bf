"""export, import: a machine as one file."""

from __future__ import annotations

from pathlib import Path

import click

from b2p import names, sizes
from b2p.cli.session import Session, Verb, pass_session


@click.command(cls=Verb)
@click.argument("name", metavar="NAME")
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--keys", is_flag=True, help="Its ssh host key too, so it is known as the same one.")
@pass_session
def export(session: Session, name: str, file: Path, *, keys: bool) -> None:
    """Write a stopped machine to one file: its disk, packed, and its settings.

    For 'b2p import' on another computer. Mounts stay behind, and so do keys unless asked for.
    """
    from b2p import moving

    taken = moving.export(names.checked(name), file, session.layout, session.report, keys=keys)
    session.report.note(f"{str(file)!r} holds machine {name!r}, in {sizes.rounded(taken)}")


@click.command(cls=Verb, name="import")
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("name", metavar="[NAME]", required=False, default="")
@pass_session
def take_in(session: Session, file: Path, name: str) -> None:
    """Make a machine of a file that 'b2p export' wrote; it is verified by its digest."""
    from b2p import moving

    moving.take_in(file, name, session.layout, session.report)
