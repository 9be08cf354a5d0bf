"""image: ls, inspect, build, verify, export, pull, rm, prune."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from b2p.cli.session import Session, Verb, json_option, pass_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from b2p.images import Shown

arch_option = click.option(
    "--arch", metavar="WORD", help="For which processor: auto (as here), amd64 or arm64."
)


@click.group(invoke_without_command=True)
@click.pass_context
def image(context: click.Context) -> None:
    """List, fetch and remove images: those that b2p built, and those from elsewhere."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@image.command(cls=Verb)
@click.option("--available", is_flag=True, help="The families that can be fetched and booted.")
@json_option
@pass_session
def ls(session: Session, *, available: bool, as_json: bool) -> None:
    """List the images in the cache with the machines that boot them, and golden states."""
    from b2p import images, sizes, tables, terminal

    if available:
        _families(as_json=as_json)
        return
    found, states = images.listing(session.layout), images.golden_states(session.layout)
    if as_json:
        kept = [one.as_json() for one in states]
        terminal.out(_json(images=[one.as_json() for one in found], states=kept))
    elif found or states:
        rows = [
            (
                one.digest[:12],
                one.kind,
                sizes.rounded(one.used_bytes),
                one.name,
                ", ".join(one.machines) or "-",
            )
            for one in (*found, *states)
        ]
        terminal.out(tables.table(("DIGEST", "KIND", "SIZE", "NAME", "MACHINES"), rows))
    else:
        session.report.note("no images yet; 'b2p up' builds one")


@image.command(cls=Verb)
@click.argument("digest", metavar="DIGEST")
@pass_session
def inspect(session: Session, digest: str) -> None:
    """Show all that is known of an image: files, packages, machines (JSON)."""
    from b2p import builds, terminal

    terminal.out(_json(image=builds.inspect(digest, session.layout)))


@image.command(cls=Verb)
@click.option("--package", "packages", multiple=True, metavar="NAME",
              help="A Debian package to have in it too; may be repeated.")  # fmt: skip
@click.option("--engine", metavar="WORD", help="podman or docker.")
@click.option("--lock", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Where it is there, build from just what it names; else write it.")  # fmt: skip
@arch_option
@json_option
@pass_session
def build(
    session: Session,
    /,
    *,
    packages: tuple[str, ...],
    lock: Path | None,
    as_json: bool,
    **flags: str | None,
) -> None:
    """Build b2p's own image; the same packages make the same one, byte for byte."""
    from b2p import builds, names, settings, terminal

    settings.check_packages(packages)
    found = builds.build(
        session.settings(names.DEFAULT, settings.from_texts(flags)),
        session.layout,
        session.report,
        packages=packages,
        lock=lock,
    )
    if as_json:
        values = {"digest": found.digest, "path": str(found.directory), "extra": found.extra}
        terminal.out(_json(image=values))
    else:
        terminal.out(found.digest)


@image.command(cls=Verb)
@click.argument("digests", nargs=-1, metavar="[DIGEST]...")
@json_option
@pass_session
def verify(session: Session, digests: tuple[str, ...], *, as_json: bool) -> None:
    """Read images, all or those named, and compare them with what they were when they came."""
    from b2p import builds, tables, terminal

    found = builds.verify(digests, session.layout, session.report)
    if as_json:
        terminal.out(_json(images=[one.as_json() for one in found]))
    else:
        rows = [
            (one.shown.digest[:12], *(", ".join(names) or "-" for names in one.lists))
            for one in found
        ]
        terminal.out(tables.table(("DIGEST", "AS THEY WERE", "NOT KNOWN", "CHANGED"), rows))
    builds.refuse_changed(found)


@image.command(cls=Verb)
@click.argument("digest", default="", metavar="[DIGEST]")
@click.option(
    "--format",
    "form",
    required=True,
    type=click.Choice(["iso", "qcow2", "raw", "containerdisk"]),
    help="What to make.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to; without it a name of b2p's own, here.",
)
@click.option(
    "--disk",
    default="20GiB",
    metavar="SIZE",
    show_default=True,
    help="How large a disk is; it takes as much as it holds.",
)
@click.option(
    "--reference", default="", metavar="NAME", help="What a registry will call a containerdisk."
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@json_option
@pass_session
def export(session: Session, /, digest: str, *, as_json: bool, **wished: Any) -> None:
    """Write b2p's own image as an ISO or a disk that boots anywhere, or for KubeVirt."""
    from b2p import exports, names, sizes, terminal

    wish = exports.Wish(digest=digest, **wished)
    found = exports.export(wish, session.settings(names.DEFAULT), session.layout, session.report)
    if as_json:
        terminal.out(_json(image=found.as_json()))
        return
    session.report.note(f"{sizes.rounded(found.used)} written to {str(found.path)!r}")
    for path in filter(None, (found.path, found.manifest)):
        terminal.out(str(path))


@image.command(cls=Verb)
@click.argument("wished", metavar="IMAGE")
@click.option("--digest", default="", metavar="sha256:HEX", help="What its file must be.")
@arch_option
@json_option
@pass_session
def pull(
    session: Session, /, wished: str, *, digest: str, as_json: bool, **flags: str | None
) -> None:
    """Fetch an image by its family's name or its address, or look whether there is a newer one."""
    from b2p import images, names, settings, terminal

    wishes = session.settings(names.DEFAULT, settings.from_texts(flags))
    found = images.pull(wished, wishes, session.layout, session.report, digest=digest)
    if as_json:
        values = {"digest": found.digest, "path": str(found.path), "name": found.name}
        terminal.out(_json(image=values))
    else:
        terminal.out(found.digest)


@image.command(cls=Verb)
@click.argument("digests", nargs=-1, required=True, metavar="DIGEST...")
@json_option
@pass_session
def rm(session: Session, digests: tuple[str, ...], *, as_json: bool) -> None:
    """Remove images that no machine boots, by the beginning of their digests."""
    from b2p import images

    _tell(session, images.remove(digests, session.layout), as_json=as_json)


@image.command(cls=Verb)
@click.option("--all", "everything", is_flag=True, help="The one for the next machine as well.")
@json_option
@pass_session
def prune(session: Session, *, everything: bool, as_json: bool) -> None:
    """Remove all images that no machine boots, downloads that were broken off, unused states."""
    from b2p import images

    _tell(session, images.prune(session.layout, everything=everything), as_json=as_json)


def _families(*, as_json: bool) -> None:
    from b2p import available, tables, terminal

    found = available.families()
    if as_json:
        terminal.out(_json(families=[one.as_json() for one in found]))
        return
    rows = [
        (one.name, ", ".join(one.speaks), one.told_by, ", ".join(one.archs) or "-", one.tried)
        for one in found
    ]
    terminal.out(tables.table(("NAME", "SPEAKS", "TOLD BY", "FOR", "TRIED"), rows))


def _tell(session: Session, removed: Sequence[Shown], *, as_json: bool) -> None:
    from b2p import sizes, terminal

    if as_json:
        terminal.out(_json(removed=[one.as_json() for one in removed]))
        return
    freed = sizes.rounded(sum(one.used_bytes for one in removed))
    session.report.note(f"{_counted(removed)} removed, {freed} freed")


def _counted(removed: Sequence[Shown]) -> str:
    states = sum(one.kind == "state" for one in removed)
    images = f"{len(removed) - states} images"
    return f"{images} and {states} golden states" if states else images


def _json(**values: Any) -> str:
    from b2p.status import SCHEMA

    return json.dumps({"schema": SCHEMA, **values}, indent=2, ensure_ascii=False)
