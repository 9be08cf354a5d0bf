"""What starts a machine when its user logs in: systemd's user unit, or launchd's agent. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

STOP_SECONDS = 90
"""More than `down` gives the guest."""


def systemd_unit(name: str) -> str:
    """What the unit of that machine is called."""
    return f"b2p-{name}.service"


def systemd_paths(environment: Mapping[str, str], home: Path, name: str) -> tuple[Path, Path]:
    """The unit, and the link to it that enables it."""
    root = home / (environment.get("XDG_CONFIG_HOME") or ".config") / "systemd/user"
    return root / systemd_unit(name), root / "default.target.wants" / systemd_unit(name)


def systemd(name: str, command: Sequence[str], environment: Mapping[str, str], marked: str) -> str:
    """The unit: the machine is up as long as the user's session lasts, and powered off in order.

    `marked` is the machine's directory, by which the unit is known to be its own.
    """
    variables = "".join(
        f"Environment={_quoted(f'{key}={value}')}\n" for key, value in environment.items()
    )
    words = " ".join(map(_quoted, command))
    return (
        f"# {marked}\n"
        "[Unit]\n"
        f"Description=b2p's machine {name}\n\n"
        "[Service]\n"
        # QEMU outlives the command that started it.
        "Type=oneshot\n"
        "RemainAfterExit=yes\n"
        f"{variables}"
        f"ExecStart={words} up {name}\n"
        f"ExecStop={words} down {name}\n"
        "TimeoutStartSec=infinity\n"
        f"TimeoutStopSec={STOP_SECONDS}\n\n"
        "[Install]\n"
        "WantedBy=default.target\n"
    )


def launchd_label(name: str) -> str:
    """What the agent of that machine is called."""
    return f"org.boot2podman.b2p.{name}"


def launchd_path(home: Path, name: str) -> Path:
    """Where launchd looks for it."""
    return home / "Library/LaunchAgents" / f"{launchd_label(name)}.plist"


def launchd(name: str, command: Sequence[str], environment: Mapping[str, str], marked: str) -> str:
    """The agent."""
    import plistlib

    values = {
        "Label": launchd_label(name),
        "ProgramArguments": [*command, "up", name],
        "RunAtLoad": True,
        "B2PMachine": marked,
        # QEMU outlives the command that started it.
        "AbandonProcessGroup": True,
        **({"EnvironmentVariables": dict(environment)} if environment else {}),
    }
    return plistlib.dumps(values).decode()


def _quoted(word: str) -> str:
    """A word of a unit: in quotes, with what systemd would expand doubled."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"'
