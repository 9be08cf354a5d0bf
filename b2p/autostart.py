"""The story of `b2p autostart`: a machine that starts at login, by no daemon of ours."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from b2p import status
from b2p.client import autostart as texts
from b2p.errors import B2PError, StateError
from b2p.host import process
from b2p.store import durable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from b2p.report import Report
    from b2p.store.layout import Layout

RELOAD_SECONDS = 10.0
KEPT_VARIABLES = ("PATH", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "B2P_CACHE_DIR")
"""What says where QEMU and b2p's files lie; a session's manager may not have it."""
ORDINARY = 0o644


def on(
    name: str,
    command: Sequence[str],
    layout: Layout,
    report: Report,
    *,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Have the machine started at each login; `command` is how b2p is started."""
    status.known(layout, name)
    kept = {key: environment[key] for key in KEPT_VARIABLES if environment.get(key)}
    home, marked = _home(environment), str(layout.machine(name).home)
    try:
        if sys.platform == "darwin":
            agent = texts.launchd_path(home, name)
            _write(agent, texts.launchd(name, command, kept, marked))
        else:
            unit, link = texts.systemd_paths(environment, home, name)
            _write(unit, texts.systemd(name, command, kept, marked))
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(Path("..") / unit.name)
            _reload()
    except OSError as error:
        raise StateError(
            f"{str(error.filename)!r} cannot be written: {error.strerror}", "see to it"
        ) from error
    report.note(f"machine {name!r} starts when you log in, from the next time on")
    if sys.platform != "darwin":
        report.note("already when the computer starts: loginctl enable-linger")


def off(name: str, layout: Layout, *, environment: Mapping[str, str] = os.environ) -> bool:
    """Have it not started; whether it was. One that runs goes on."""
    if not is_on(name, layout, environment=environment):
        return False
    for path in _paths(name, environment):
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()
    if sys.platform != "darwin":
        _reload()
    return True


def is_on(name: str, layout: Layout, *, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether it is started at login; another user directory's machine of that name is not it."""
    with contextlib.suppress(OSError):
        found = [path.read_text() for path in _paths(name, environment)]
        return all(str(layout.machine(name).home) in text for text in found)
    return False


def _paths(name: str, environment: Mapping[str, str]) -> tuple[Path, ...]:
    home = _home(environment)
    if sys.platform == "darwin":
        return (texts.launchd_path(home, name),)
    unit, link = texts.systemd_paths(environment, home, name)
    return link, unit


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    durable.write(path, text.encode(), mode=ORDINARY)


def _reload() -> None:
    """Have the session's systemd read its units again, where there is one."""
    program = shutil.which("systemctl")
    if program:
        with contextlib.suppress(B2PError):
            process.run([program, "--user", "daemon-reload"], timeout=RELOAD_SECONDS)


def _home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("HOME", "/"))
