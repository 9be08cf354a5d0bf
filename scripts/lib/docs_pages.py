"""Pages of the reference that are made from the code: they say what it says, and cannot drift."""

from __future__ import annotations

import ast
import inspect
import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from b2p import config, settings
from b2p.calls import request
from b2p.cli.reading import each_verb
from b2p.cli.verbs import ALIASES, b2p
from b2p.client import env
from b2p.machine import ports
from b2p.store import layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TREE = Path(__file__).parents[2]
AGENT = TREE / "firmware/guest/usr/lib/b2p/agent"

READ = {
    "B2P_MACHINE": "The machine that is meant where none is named.",
    "B2P_CACHE_DIR": "Where images, QEMU and golden states lie, instead of the user's cache.",
    "B2P_CALLED_AS": "How b2p calls itself in what it says; `scripts/b2p` sets it.",
    "B2P_LOGINS": "Set for ssh by `b2p podman`: the logins of registries.",
    "B2P_PYTHON": "The Python of which scripts/* make their environments.",
    "HOME, XDG_DATA_HOME, XDG_CACHE_HOME, XDG_CONFIG_HOME": "Where files lie: see files on disk.",
    "SHELL": "For whom `b2p env` writes, unless `--shell` says so.",
    "NO_COLOR, TERM": "Whether there are colours and lines that move.",
    "SSH_AUTH_SOCK": "The agent that `forward_agent` lends.",
    "HTTP_PROXY, HTTPS_PROXY, FTP_PROXY, ALL_PROXY, NO_PROXY": "For downloads, and for machines.",
    "CONTAINER_HOST": "Whether `up` has to say how to use the machine.",
    "PWD, TMPDIR": "The directory in which you stand; what is mounted on macOS.",
}
"""Variables that b2p reads beside those of its settings."""


TAKEN_AWAY = """\
`b2p scratch`, `m.env(os.environ)` and the fixtures for pytest set what `--docker` and
`--testcontainers` print, and take these away, since they lead elsewhere: """
ON_DISK = (
    (
        "The roots",
        "Layout",
        (
            "`data`, `cache` and `config` are where this computer's system has them:"
            " `~/.local/share/b2p`, `~/.cache/b2p` and `~/.config/b2p` on Linux."
        ),
    ),
    (
        "A machine",
        "MachineFiles",
        (
            "`home` is `machines/NAME` below the data, `run` a short directory of sockets,"
            " `~/.b2p/<8 hex>`."
        ),
    ),
    ("A golden state", "StateFiles", "`home` is `states/<digest>` below the cache."),
)
"""Heading, class of b2p/store/layout.py, and what its paths begin with."""
CONTROL = """\
A virtio-serial port, JSON lines both ways. The host asks with `id` and `do`; the guest answers with
`id` and `ok`, and with `error` where that is false. By itself it tells `{"event": "stage"}`,
`"ready"` and `"failed"`. Every answer has `ready` and `stage` besides what is asked for."""
HOST_CALLS = f"""\
One line of JSON over 10.0.2.100, of at most {request.LONGEST} bytes, with `call`, the `token` of
this start, and at most {request.MOST_PORTS} `ports`: see
[ports](../ports.md#what-a-guest-can-do-with-it)."""


def pages() -> dict[str, str]:
    """Each page by its path below docs/."""
    return {
        "reference/verbs.md": verbs(),
        "reference/settings.md": of_settings(),
        "reference/environment.md": environment(),
        "reference/files.md": files(),
        "reference/control.md": control(),
        "reference/python.md": python(),
    }


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of Markdown."""
    head = tuple(headings)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(one) for one in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    """One line; what stands in backquotes is shown as it is anyway."""
    found = " ".join(text.split()).replace("|", "\\|")
    return found if found.startswith("`") else _text(found)


def verbs() -> str:
    """Every verb with its words and options, as the parser knows them."""
    context = click.Context(b2p, info_name="b2p")
    found = ["# Verbs", "Made from the parser; `b2p VERB --help` says the same."]
    found.append("Before or after any verb:\n\n" + _options(context))
    for one in each_verb(context):
        name = one.command_path.partition(" ")[2]
        usage = " ".join(one.command.collect_usage_pieces(one))
        found.append(f"## {name}")
        found.append(f"```text\nb2p {name} {usage}\n```")
        found.append(_text(inspect.cleandoc(one.command.help or "")))
        if also := [f"`{alias}`" for alias, verb in ALIASES.items() if verb == name]:
            found.append(f"Also understood: {', '.join(also)}.")
        if options := _options(one):
            found.append(options)
    return "\n\n".join(found) + "\n"


def _text(help_text: str) -> str:
    """Text in which Markdown sees no link and no tag."""
    return help_text.replace("<", "&lt;").replace("[", "\\[").strip()


def _options(context: click.Context) -> str:
    rows = [
        (f"`{record[0]}`", record[1])
        for one in context.command.get_params(context)
        if isinstance(one, click.Option) and (record := one.get_help_record(context))
    ]
    return table(("Option", "What it does"), rows) if rows else ""


def of_settings() -> str:
    """Every key of b2p.toml: its kind, its default, its variable."""
    told = attribute_docs(settings, "Settings")
    rows = [
        (
            f"`{one.key}`",
            "4, or as many as there are" if one.key == "cpus" else f"`{json.dumps(one.value)}`",
            f"`B2P_{one.key.upper()}`",
            "no" if one.key in settings.NOT_BY_PROJECTS else "yes",
            told.get(one.key, ""),
        )
        for one in config.rows([], None, cores=1)
    ]
    return (
        "# Settings\n\nMade from the code; [settings](../settings.md) shows them as a file. In the"
        " environment a list is written with commas, and `none` is an empty one.\n\n"
        + table(("Key", "Default", "Variable", "By a project", "What it is"), rows)
    )


def environment() -> str:
    """The variables that b2p reads, and those that it sets for clients."""
    of_keys = [(f"`B2P_{key.upper()}`", f"The setting `{key}`") for key in settings.KEYS]
    read = [
        (", ".join(f"`{one}`" for one in names.split(", ")), said) for names, said in READ.items()
    ]
    printed = [
        *(
            (name, "`b2p env`" if name == env.NAMES[0] else "`b2p env --docker`")
            for name in env.NAMES
        ),
        *((name, "`b2p env --testcontainers`") for name in env.TESTCONTAINERS),
        *((name, "`b2p env --varlink`, `--bridge`") for name in env.VARLINK_NAMES),
    ]
    return "\n\n".join(
        (
            "# Environment",
            "## What b2p reads",
            table(("Variable", "What it decides"), [*read, *of_keys]),
            "## What leads clients to a machine",
            table(("Variable", "Printed by"), ((f"`{name}`", said) for name, said in printed)),
            TAKEN_AWAY + ", ".join(f"`{name}`" for name in env.ELSEWHERE) + ".\n",
        )
    )


def files() -> str:
    """Every file that b2p makes, as b2p/store/layout.py names it."""
    found = ["# Files on disk"]
    for title, kind, said in ON_DISK:
        rows = ((f"`{name}`", f"`{place}`", text) for name, place, text in places(kind) if text)
        found += [f"## {title}", said, table(("Name", "Where", "What it is"), rows)]
    return "\n\n".join(found)


def places(kind: str) -> Iterator[tuple[str, str, str]]:
    """(name, path, docstring) of each property of that class which is a path."""
    tree = ast.parse(Path(layout.__file__).read_text(encoding="utf-8"))
    (found,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == kind)
    for one in found.body:
        if isinstance(one, ast.FunctionDef) and one.returns and ast.unparse(one.returns) == "Path":
            result = one.body[-1]
            if isinstance(result, ast.Return) and result.value and not one.args.args[1:]:
                yield one.name, _path(result.value), ast.get_docstring(one) or ""


def _path(value: ast.expr) -> str:
    """An expression such as `self.home / "data.raw"` as a path; of two, that of most machines."""
    if isinstance(value, ast.IfExp):
        return _path(value.orelse)
    text = ast.unparse(value).replace("self.home.parent", "home/..").replace("self.", "")
    text = text.replace("{home.name}", "NAME").replace("{self.home.name}", "NAME")
    return text.replace(" / ", "/").replace("f'", "").replace("'", "")


def control() -> str:
    """What goes over the control port and by host calls, from the agent's own words."""
    numbers = [
        (f"`{name}`", f"{value}")
        for name, value in vars(ports).items()
        if name.isupper() and isinstance(value, int | str)
    ]
    calls = [(f"`{verb}`",) for verb in sorted(request.VERBS)]
    return "\n\n".join(
        (
            "# The control port",
            CONTROL,
            "## What the host asks",
            table(("`do`", "What the guest does"), asked()),
            "## What the guest asks: host calls",
            HOST_CALLS,
            table(("`call`",), calls),
            "## Numbers that both sides share",
            table(("Name", "Value"), numbers),
        )
    )


def asked() -> list[tuple[str, str]]:
    """The requests that the agent knows, with the docstring of what each one calls."""
    tree = ast.parse((AGENT / "__main__.py").read_text(encoding="utf-8"))
    agent = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Agent")
    methods = {one.name: one for one in agent.body if isinstance(one, ast.FunctionDef)}
    found = []
    for node in ast.walk(methods["handle"]):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Compare):
            (word,) = node.test.comparators
            if isinstance(node.test.ops[0], ast.Eq) and isinstance(word, ast.Constant):
                found.append((f"`{word.value!s}`", _called(node.body, methods)))
    return [*sorted(found), ("`status`", "Nothing; only the answer is wanted.")]


def _called(body: list[ast.stmt], methods: dict[str, ast.FunctionDef]) -> str:
    """The first lines of the docstrings of what these statements call."""
    said = []
    for call in (n for one in body for n in ast.walk(one) if isinstance(n, ast.Call)):
        owner, _, name = ast.unparse(call.func).rpartition(".")
        if owner == "self":
            said.append(ast.get_docstring(methods[name]) or "")
        elif owner.startswith("self."):
            said += _docstrings(AGENT.glob("*.py"), name)
        elif owner:
            said += _docstrings([AGENT / f"{owner}.py"], name)
    return " ".join(one.partition("\n")[0] for one in said)


def _docstrings(modules: Iterable[Path], name: str) -> list[str]:
    """Those of the functions and methods of that name."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in modules)
    return [
        ast.get_docstring(node) or ""
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == name
    ]


def python() -> str:
    """The public names, which mkdocstrings reads from the code."""
    names = ("machine", "machines", "scratch", "Machine", "Engine", "Output", "Wishes")
    options = "    options:\n      show_root_heading: true\n      heading_level: 2\n"
    options += "      inherited_members: true\n      show_root_full_path: false\n"
    options += "      filters: public\n"
    blocks = [f"::: b2p.api.{name}\n{options}" for name in names]
    own = options.replace("inherited_members: true", "inherited_members: false")
    blocks.append(f"::: b2p.errors\n{own}")
    guide = "Made from the code; [b2p in Python](../python.md) is the guide."
    return "\n\n".join(("# Python", guide, *blocks))


def _module(*body: ast.stmt) -> ast.Module:
    return ast.Module(list(body), [])


def attribute_docs(module: object, kind: str) -> dict[str, str]:
    """The strings that stand below the fields of a class."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))  # type: ignore[attr-defined]
    (found,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == kind)
    return {
        field.target.id: ast.get_docstring(_module(text)) or ""
        for field, text in itertools.pairwise(found.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }
