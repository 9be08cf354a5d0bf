"""doctor, report."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from b2p import names
from b2p.cli.session import Session, Verb, json_option, machine_argument, pass_session


@click.command(cls=Verb)
@json_option
@pass_session
def doctor(session: Session, *, as_json: bool) -> int:
    """Check this computer, and say what to do. The exit status is 1 where something is wrong."""
    from b2p import doctor as story
    from b2p import tables, terminal

    settings = session.settings(names.DEFAULT)
    checks = story.examined(settings, session.layout, session.report)
    if as_json:
        values = [dataclasses.asdict(check) for check in checks]
        terminal.out(json.dumps({"schema": story.SCHEMA, "checks": values}, indent=2))
    else:
        home = str(Path.home())
        terminal.out(tables.table(("", "WHAT", "FOUND"), [
            (check.verdict, check.what, check.found.replace(home, "~")) for check in checks
        ]))  # fmt: skip
        for check in checks:
            if check.remedy:
                session.report.warn(f"{check.what}: {check.found}", check.remedy)
    return int(any(check.verdict == "fail" for check in checks))


@click.command(cls=Verb)
@machine_argument
@click.option(
    "--file",
    "-f",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Where to write it; else b2p-report-DATE.tar.gz here.",
)
@pass_session
def report(session: Session, name: str, *, file: Path | None) -> None:
    """Write one archive for a bug report: versions, doctor, logs, what QEMU says.

    Names, keys, logins and the environment are taken out. Read it before you send it.
    """
    import time

    from b2p import bugreport

    target = file or Path(time.strftime("b2p-report-%Y-%m-%d-%H%M%S.tar.gz"))
    found = bugreport.write(
        name,
        target,
        session.layout,
        session.report,
        settings=session.settings(name),
        layers=session.layers(name),
    )
    session.report.note(f"{str(target)!r} holds {', '.join(found)}")
    session.report.note(f"taken out: {'; '.join(bugreport.LEFT_OUT)}; read it before you send it")
