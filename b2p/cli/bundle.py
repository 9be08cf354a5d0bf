"""bundle."""

from __future__ import annotations

from pathlib import Path

import click

from b2p import names
from b2p.cli.session import Session, Verb, pass_session


@click.command(cls=Verb)
@click.argument("file", metavar="FILE")
@pass_session
def bundle(session: Session, file: str) -> None:
    """Write one file with all that 'b2p up' needs: its image, QEMU, and b2p itself.

    On a computer without a network: b2p up --bundle FILE --offline. A README in it (it is a tar)
    says how b2p is installed there.
    """
    from b2p import bundles, sizes

    size = bundles.write(
        Path(file).absolute(), session.settings(names.DEFAULT), session.layout, session.report
    )
    session.report.note(f"{file} holds {sizes.rounded(size)}: the image, QEMU and b2p")
