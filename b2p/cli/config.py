"""config."""

from __future__ import annotations

import json

import click

from b2p.cli.session import Session, Verb, json_option, machine_argument, pass_session


@click.command(cls=Verb)
@machine_argument
@click.option("--path", is_flag=True, help="Print where your own b2p.toml is, or would be.")
@json_option
@pass_session
def config(session: Session, name: str, *, path: bool, as_json: bool) -> None:
    """Show what holds for a machine, setting by setting, and who says so."""
    from b2p import config as story
    from b2p import terminal
    from b2p.host import computer
    from b2p.store import record as records

    if path:
        terminal.out(str(session.layout.settings))
        return
    record = records.read(session.layout.machine(name).record)
    rows = story.rows(session.layers(name), record, cores=computer.cores())
    chosen, origin = session.machine()
    if as_json:
        from b2p.status import SCHEMA

        shown = [row.as_json() for row in rows]
        terminal.out(json.dumps({"schema": SCHEMA, "machine": name, "settings": shown}, indent=2))
        return
    from b2p import tables

    cells = [(row.key, json.dumps(row.value, ensure_ascii=False), row.origin) for row in rows]
    terminal.out(tables.table(("SETTING", "VALUE", "FROM"), cells))
    if origin and chosen == name:
        session.report.note(f"the machine is {name!r} here: {origin}")
