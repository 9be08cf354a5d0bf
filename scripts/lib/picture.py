"""Draws docs/*.svg: runs sessions on a terminal of its own and keeps what stood there.

picture.py TREE [FOLDER]. What b2p draws and wipes away again is wiped away here too. The sessions
have an empty home of their own, so they show no other machine, but the user's cache of images and
QEMU.
"""

from __future__ import annotations

import io
import os
import pty
import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 80
MACHINE = "picture"
SESSIONS = {
    "session": (
        f"b2p up {MACHINE}",
        "b2p ls",
        f"b2p podman -m {MACHINE} version",
        f"b2p down {MACHINE}",
    ),
    "suspend": (
        f"b2p up {MACHINE}",
        f"b2p suspend {MACHINE}",
        "b2p ls",
        f"b2p up {MACHINE}",
        f"b2p status {MACHINE}",
    ),
    "scratch": (
        "b2p scratch -- sh -c 'echo $DOCKER_HOST'",
        "b2p ls",
    ),
}
"""Each picture's name, and what is typed for it."""
AFTER = f"b2p rm -f {MACHINE} || true"
"""Nothing is there to be removed where the first line failed, which is what is to be told then."""
KEPT = {"B2P_MIRROR", "B2P_PYTHON", "B2P_CACHE_DIR"}
"""Where things come from and are kept; no settings of a machine."""

_CURSOR_UP = re.compile(r"\x1b\[(\d*)A")
_CONTROL = re.compile(r"(\r\n|\r|\n|\x1b\[\?\d+[hl]|\x1b\[\d*[A-DGJKH])")


def run(line: str) -> str:
    """All that a command line wrote to a terminal of 80 columns."""
    said: list[bytes] = []

    def read(descriptor: int) -> bytes:
        said.append(os.read(descriptor, 1 << 16))
        return said[-1]

    status = os.waitstatus_to_exitcode(
        pty.spawn(["bash", "-c", f"stty cols {COLUMNS}; {line}"], read)
    )
    if status:
        raise SystemExit(f"{line!r} ended with status {status}")
    return b"".join(said).decode(errors="replace")


def settled(output: str) -> list[str]:
    """The lines that remain on the screen, with their colours."""
    lines, row, fresh = [""], 0, False
    for part in _CONTROL.split(output):
        if part in ("\n", "\r\n"):
            row += 1
            lines += [""] * (row + 1 - len(lines))
            fresh = part == "\r\n"
        elif part == "\r":
            fresh = True
        elif up := _CURSOR_UP.fullmatch(part):
            row = max(0, row - int(up[1] or 1))
        elif part.endswith("K") and part.startswith("\x1b["):
            lines[row] = ""
        elif part and not _CONTROL.fullmatch(part):
            lines[row] = part if fresh else lines[row] + part
            fresh = False
    return [line for line in lines if re.sub(r"\x1b\[[\d;]*m", "", line).strip()]


def main(tree: Path, folder: Path) -> None:
    """Run the sessions and write the pictures."""
    # A short path: the machine's sockets lie below it.
    with tempfile.TemporaryDirectory(prefix="b2p-", dir="/tmp") as home:
        prepare(tree, Path(home))
        os.chdir(home)
        drawn = {name: picture(lines) for name, lines in SESSIONS.items()}
    folder.mkdir(exist_ok=True)
    for name, text in drawn.items():
        target = folder / f"{name}.svg"
        target.write_text(text, encoding="utf-8")
        print(f"b2p: drew {target}", file=sys.stderr)


def prepare(tree: Path, home: Path) -> None:
    """Let the environment be that of a person with this empty home and no settings of b2p's."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    for name in list(os.environ):
        ours = name.startswith(("B2P_", "XDG_", "DOCKER_", "CONTAINER_")) or name == "NO_COLOR"
        if ours and name not in KEPT:
            del os.environ[name]
    os.environ |= {
        "HOME": str(home),
        "XDG_CACHE_HOME": cache,
        "PATH": f"{tree / 'scripts'}:{os.environ['PATH']}",
        "B2P_CALLED_AS": "b2p",
        "TERM": "xterm-256color",
        "COLUMNS": str(COLUMNS),
    }


def picture(session: tuple[str, ...]) -> str:
    """A session, drawn."""
    console = Console(
        record=True,
        width=COLUMNS,
        file=io.StringIO(),
        color_system="standard",
        force_terminal=True,
    )
    try:
        for line in session:
            console.print(Text.assemble(("$ ", "green"), (line, "bold")))
            for kept in settled(run(line)):
                console.print(Text.from_ansi(kept))
    finally:
        run(AFTER)
    return console.export_svg(title="b2p")


if __name__ == "__main__":
    root = Path(sys.argv[1]).resolve()
    main(root, Path(sys.argv[2] if len(sys.argv) > 2 else root / "docs").resolve())
