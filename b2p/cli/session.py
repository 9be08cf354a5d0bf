"""What all verbs share: the global options, and the Settings, Layout and Report made from them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from b2p import names, wishes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from b2p.report import Report
    from b2p.settings import Layer, Settings
    from b2p.store.layout import Layout


def called_as() -> str:
    """The words by which the person started b2p; scripts/b2p tells its own."""
    return os.environ.get("B2P_CALLED_AS") or "b2p"


def own_command() -> list[str]:
    """The words that start this b2p from anywhere."""
    import shutil
    import sys

    found = shutil.which(called_as())
    return [str(Path(found).absolute())] if found else [sys.executable, "-m", "b2p"]


@dataclass(slots=True)
class Session:
    """One run of the command line."""

    quiet: bool = False
    debug: bool = False
    _layout: list[Layout] = field(default_factory=list)
    _report: list[Report] = field(default_factory=list)

    @property
    def layout(self) -> Layout:
        """Where the user's files lie."""
        if not self._layout:
            self._layout.append(wishes.layout())
        return self._layout[0]

    @property
    def report(self) -> Report:
        """The voice of the stories."""
        if not self._report:
            from b2p import terminal

            self._report.append(terminal.report(quiet=self.quiet))
        return self._report[0]

    def settings(self, machine: str, flags: Mapping[str, object] | None = None) -> Settings:
        """All layers merged for that machine; flags that were not given are None."""
        return wishes.merged(machine, flags or {}, self.layout)

    def layers(self, machine: str, flags: Mapping[str, object] | None = None) -> list[Layer]:
        """All that is said about that machine, and by whom."""
        return wishes.layers(machine, flags or {}, self.layout)

    def wake(self, machine: str) -> None:
        """Resume a machine that fell asleep by itself: before what needs it running."""
        from b2p import sleep

        sleep.wake(machine, lambda: self.settings(machine), self.layout, self.report)

    def machine(self) -> tuple[str, str]:
        """The machine that is meant where none is named, and who says so."""
        return wishes.machine(self.layout)


pass_session = click.make_pass_decorator(Session, ensure=True)


def _quieten(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's
    if value:
        context.ensure_object(Session).quiet = True


def _debug(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's
    if value:
        context.ensure_object(Session).debug = True
        log_to_stderr("b2p", "qemu")


def _verbose(_context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's
    if value:
        log_to_stderr("b2p.host.process")


def log_to_stderr(*names: str) -> None:
    """Let what these parts log be seen: the commands they start, the QMP messages."""
    import logging

    form = "%(relativeCreated)6d ms  %(name)s: %(message)s"
    logging.basicConfig(format=form, level=logging.WARNING)
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)


def global_options(*, hidden: bool) -> list[click.Option]:
    """-q, -v and --debug: shown at the top, understood at every verb too."""
    options: list[tuple[list[str], Callable[..., Any], str]] = [
        (["-q", "--quiet"], _quieten, "Say nothing but warnings and errors."),
        (["-v", "--verbose"], _verbose, "Show every command that is started."),
        (["--debug"], _debug, "Show every command and every QMP message."),
    ]
    return [
        click.Option(
            names, is_flag=True, expose_value=False, callback=callback, help=text, hidden=hidden
        )
        for names, callback, text in options
    ]


class Verb(click.Command):
    """A verb that takes the global options too, and leaves what follows -- to `context.meta`."""

    REST = "b2p.rest"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options["params"] = [*(options.get("params") or []), *global_options(hidden=True)]
        super().__init__(*arguments, **options)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what stands before --; a verb that has no use for the rest refuses it."""
        if "--" in args:
            at = args.index("--")
            args, rest = args[:at], args[at + 1 :]
            if not getattr(self.callback, "takes_rest", False):
                raise click.UsageError(f"nothing can follow '--' here, got {' '.join(rest)!r}", ctx)
            ctx.meta[self.REST] = tuple(rest)
        return super().parse_args(ctx, args)


def takes_rest(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a verb that has a use for what follows --."""
    function.takes_rest = True  # type: ignore[attr-defined]
    return function


def rest() -> tuple[str, ...]:
    """The words after --."""
    words: tuple[str, ...] = click.get_current_context().meta.get(Verb.REST, ())
    return words


def _machine(context: click.Context, _parameter: click.Parameter, value: str | None) -> str:
    if context.resilient_parsing:
        return value or names.DEFAULT
    # An empty word is a variable that somebody forgot to set, not a wish for the default.
    chosen = value if value is not None else context.ensure_object(Session).machine()[0]
    return names.checked(chosen)


def _machines(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """For a shell that completes: the machines whose names begin so."""
    from b2p.errors import B2PError
    from b2p.store import record as records

    try:
        found = records.listing(context.ensure_object(Session).layout.machines).names
    except B2PError:
        return []
    return [name for name in found if name.startswith(begun)]


machine_argument = click.argument(
    "name", required=False, callback=_machine, metavar="[NAME]", shell_complete=_machines
)
machine_option = click.option(
    "-m",
    "--machine",
    "name",
    callback=_machine,
    shell_complete=_machines,
    metavar="NAME",
    help="Another machine than the default.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="For programs, on stdout.")
