"""What people type who come from other launchers, and what it is called here."""

from __future__ import annotations

COMING_FROM: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "podman machine",
        (("init, start", "up"), ("stop", "down"), ("set", "set"), ("os apply", "up --image b2p")),
    ),
    (
        "docker-machine",
        (("create, start", "up"), ("env", "env --docker"), ("ip", "ip"), ("kill", "down --force")),
    ),
    ("colima", (("start", "up"), ("ssh", "ssh"), ("delete", "rm"), ("template", "config"))),
    ("limactl", (("create, start", "up"), ("shell", "ssh"), ("list", "ls"), ("delete", "rm"))),
    ("minikube", (("docker-env", "env --docker"), ("pause", "suspend"), ("delete", "rm"))),
    ("multipass", (("launch", "up"), ("exec", "ssh -- COMMAND"), ("info", "status"))),
)
"""Launcher: (its words, b2p's). docs/coming-from.md has the same rows."""


def lines() -> list[tuple[str, str]]:
    """The table for --help: a row for each launcher."""
    return [
        (name, "; ".join(f"{theirs}: {ours}" for theirs, ours in rows))
        for name, rows in COMING_FROM
    ]


def page() -> str:
    """The table as docs/coming-from.md has it."""
    rows = [
        f"| `{name} {word}` | `b2p {ours}` |"
        for name, pairs in COMING_FROM
        for theirs, ours in pairs
        for word in theirs.split(", ")
    ]
    return "\n".join(["| There | Here |", "| --- | --- |", *rows])
