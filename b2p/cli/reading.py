"""completion, man: what is made from the parser itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.shell_completion import get_completion_class

from b2p.cli.session import Verb

if TYPE_CHECKING:
    from collections.abc import Iterator

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_B2P_COMPLETE"


@click.command(cls=Verb)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print what completes b2p's words in your shell.

    bash: eval "$(b2p completion bash)" in ~/.bashrc; zsh likewise in ~/.zshrc; fish: b2p
    completion fish > ~/.config/fish/completions/b2p.fish
    """
    from b2p import terminal

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has these three
    root = click.get_current_context().find_root()
    terminal.out(kind(root.command, {}, "b2p", VARIABLE).source())


@click.command(cls=Verb)
def man() -> None:
    """Print the manual page, made from what all verbs say of themselves: b2p man > b2p.1."""
    from b2p import terminal

    terminal.out("\n".join(_page(click.get_current_context().find_root())))


def _page(root: click.Context) -> Iterator[str]:
    from b2p import __version__

    # No date: the same parser makes the same page.
    yield f'.TH B2P 1 "" "b2p {__version__}" "User commands"'
    yield from (".SH NAME", "b2p \\- a container engine in a virtual machine")
    yield from (".SH SYNOPSIS", ".B b2p", ".I VERB", "[options] [words]")
    yield from (".SH DESCRIPTION", *_paragraphs(root.command.help or ""))
    yield from (".SH OPTIONS", *_options(root))
    yield ".SH VERBS"
    for context in each_verb(root):
        yield from _verb(context)
    yield from (".SH EXIT STATUS", *_statuses())
    yield from (".SH FILES", ".TP", ".I ~/.config/b2p/b2p.toml", "The settings; see")
    yield from ('.BR "b2p config" .', ".TP", ".I b2p.toml", "Those of a project.")


def _statuses() -> Iterator[str]:
    for status, text in (
        ("0", "All went well."),
        ("2", "The words were wrong."),
        ("125", "b2p itself failed."),
        ("130", "Ctrl-C; nothing is left behind."),
    ):
        yield from (".TP", f".B {status}", text)
    yield from (".PP", "ssh, podman and the like hand on the status of what they ran.")


def each_verb(context: click.Context) -> Iterator[click.Context]:
    """Each verb, and below it the verbs of a verb."""
    group = context.command
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None:
            below = click.Context(command, info_name=name, parent=context)
            yield below
            yield from each_verb(below)


def _verb(context: click.Context) -> Iterator[str]:
    usage = " ".join(context.command.collect_usage_pieces(context))
    yield f".SS {_escaped(context.command_path.partition(' ')[2])} {_escaped(usage)}"
    yield from _paragraphs(context.command.help or "")
    yield from _options(context)


def _options(context: click.Context) -> Iterator[str]:
    for parameter in context.command.get_params(context):
        is_shown = isinstance(parameter, click.Option) and parameter.name != "help"
        record = parameter.get_help_record(context) if is_shown else None
        if record is not None:
            yield from (".TP", f".B {_escaped(record[0])}", _escaped(record[1]))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        yield ".PP"
        yield _escaped(" ".join(paragraph.split()))


def _escaped(text: str) -> str:
    """Text in which roff sees no order of its own."""
    found = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{found}" if found.startswith((".", "'")) else found
