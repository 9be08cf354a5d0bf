"""The table of verbs. A verb's module is imported when the verb is used, so --help stays quick."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Any

import click

from b2p import __version__
from b2p.cli import coming
from b2p.cli.session import global_options

VERBS: dict[str, tuple[str, str]] = {
    "up": ("life", "Start a machine and its engine; the first time, make it."),
    "down": ("life", "Power a machine off."),
    "suspend": ("life", "Keep a machine as it is, in a file; up resumes it."),
    "set": ("life", "Change a machine's processors, memory or disk."),
    "autostart": ("life", "Have a machine started when you log in."),
    "scratch": ("scratch", "Run a command with an engine of its own, gone afterwards."),
    "clone": ("life", "Make another machine with the same disk."),
    "rm": ("life", "Remove machines and all that is in them."),
    "ls": ("looking", "List the machines."),
    "status": ("looking", "Say how a machine is."),
    "inspect": ("looking", "Show all that was decided about a machine (JSON)."),
    "logs": ("looking", "Show what the machine's console said."),
    "console": ("inside", "Sit down at the machine's serial console."),
    "ssh": ("inside", "Open a shell in a machine, or run a command there."),
    "podman": ("inside", "Run the machine's own podman."),
    "cp": ("files", "Copy files between this computer and a machine."),
    "varlink": ("varlink", "Speak varlink with a machine, as clients of 2018 did."),
    "env": ("connect", "Print what podman and docker need to find the machine."),
    "snapshot": ("snapshots", "Keep and restore states of a stopped machine's disk."),
    "ip": ("connect", "Print the address at which what containers publish answers."),
    "bundle": ("bundle", "Write one file with all that up needs, for computers without network."),
    "image": ("images", "List, build, verify, fetch and remove images."),
    "ssh-config": ("connect", "Print what ssh and editors need to find the machine."),
    "config": ("config", "Show what holds for a machine, and who says so."),
    "port": ("ports", "List the ports that lead to a machine; add and remove them."),
    "completion": ("reading", "Print what completes b2p's words in your shell."),
    "man": ("reading", "Print the manual page."),
    "upgrade": ("upgrading", "Start a machine on an image of today's packages, or go back."),
    "export": ("moving", "Write a stopped machine to one file, for another computer."),
    "import": ("moving", "Make a machine of a file that export wrote."),
    "report": ("doctor", "Write one archive for a bug report, without names and keys."),
    "doctor": ("doctor", "Check this computer, and say what to do."),
}
"""Verb: the module of b2p.cli that has it as a function of its name, and its line of help."""

ALIASES = {
    "start": "up",
    "create": "up",
    "init": "up",
    "launch": "up",
    "resume": "up",
    "stop": "down",
    "shell": "ssh",
    "list": "ls",
    "delete": "rm",
}
_ATTRIBUTE = {
    "env": "environment",
    "ssh-config": "ssh_config",
    "set": "change",
    "import": "take_in",
}


class Verbs(click.Group):
    """A group of commands that imports only the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """All verbs, in the order of a day's work."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """The verb of that name or alias."""
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in VERBS:
            return None
        module, text = VERBS[name]
        command: click.Command = getattr(
            import_module(f"b2p.cli.{module}"), _ATTRIBUTE.get(name, name)
        )
        command.help = command.help or text
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that the words begin with; a misspelt one is told its neighbour."""
        command = self.get_command(ctx, args[0])
        if command is None:
            near = difflib.get_close_matches(args[0], [*VERBS, *ALIASES], n=1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"there is no verb {args[0]!r}{meant}", ctx)
        return command.name, command, args[1:]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """The list of verbs, from the table alone."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])
        with formatter.section("Also understood"):
            formatter.write_dl(
                [
                    (", ".join(a for a in ALIASES if ALIASES[a] == v), v)
                    for v in ("up", "down", "ssh", "ls", "rm")
                ]
            )
        with formatter.section("Coming from"):
            formatter.write_dl(coming.lines())


def _begin(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


b2p = Verbs(
    name="b2p",
    callback=click.pass_context(_begin),
    invoke_without_command=True,
    params=[
        *global_options(hidden=False),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=lambda context, _parameter, value: _version(context, shown=value),
            help="Say which b2p this is.",
        ),
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="A container engine in a virtual machine, with nothing else running but QEMU.\n\n"
    '`b2p up` starts it; `eval "$(b2p env --docker)"` leads podman and docker to it.',
)


def _version(context: click.Context, *, shown: Any) -> None:
    if shown and not context.resilient_parsing:
        click.echo(f"b2p {__version__}")
        context.exit()
