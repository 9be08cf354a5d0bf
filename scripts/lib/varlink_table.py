"""Calls each method of io.podman in a machine and prints what each answered.

varlink_table.py TREE [MACHINE] [--json]. Everything is asked of `scripts/b2p` and of the socket
that it names, as anybody could.
"""

from __future__ import annotations

import argparse
import io
import json
import shlex
import subprocess
import sys
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from scripts.lib import varlink_calls as calls
from scripts.lib.varlink_wire import IN, QUIT, Refused, Wire

APPLETS = ("sh", "echo", "sleep", "touch", "true")
OK = "answered"
REMARK = 400
"""Letters of a reply that are more than any terminal is wide."""
Calls = list[tuple[str, calls.Parameters]]


@dataclass(frozen=True)
class Row:
    """A method and how it ended: "answered", or the name of an error."""

    method: str
    answer: str
    parameters: dict[str, Any]

    @property
    def remark(self) -> str:
        """One line of what it said."""
        said: Any = self.parameters.get("reason", self.parameters)
        while isinstance(said, (dict, list)) and len(said) == 1:
            (said,) = said.values() if isinstance(said, dict) else said
        text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        return " ".join(text.split())[:REMARK]


class Story:
    """All the calls to one machine, and what they answered."""

    def __init__(self, address: str, busybox: bytes) -> None:
        self._address = address
        self._known: dict[str, Any] = {}
        self._root = rootfs(busybox)

    def rows(self) -> list[Row]:
        """Each method once."""
        rows = [self._sent(self._root)]
        context = self._sent(archive({"Dockerfile": f"FROM {calls.IMAGE}\nCMD true\n".encode()}))
        self._known["context"] = context.parameters["file_handle"]
        order = (calls.SYSTEM, calls.VOLUMES, calls.IMAGES, calls.CONTAINERS, calls.PODS)
        for method, parameters in [call for group in (*order, calls.ERASING) for call in group]:
            for preparing, given in calls.BEFORE.get(method, ()):
                self._ask(preparing, given)
            rows.append(self._row(method, parameters))
        return rows

    def _row(self, method: str, parameters: calls.Parameters) -> Row:
        try:
            told = self._ask(method, parameters)
        except Refused as error:
            return Row(method, error.name.rpartition(".")[2], error.parameters)
        self._known[method] = told
        return Row(method, OK, told)

    def _ask(self, method: str, parameters: calls.Parameters) -> dict[str, Any]:
        given = self._filled(parameters)
        with Wire(self._address) as wire:
            if method in {"Attach", "ExecContainer"}:
                return talk(wire, method, given)
            if method == "ReceiveFile":
                told = wire.upgrade(method, **given)
                return {**told, "bytes": len(wire.read(told["len"]))}
            wire.send(method, given)
            return dict(wire.reply()["parameters"])

    def _sent(self, data: bytes) -> Row:
        with Wire(self._address) as wire:
            told = wire.upgrade("SendFile", type="", length=len(data))
            wire.socket.sendall(data)
            confirmed = wire.read(len(told["file_handle"]) + 1).decode()
        self._known["SendFile"] = told if len(self._known) == 0 else self._known["SendFile"]
        return Row("SendFile", OK, {**told, "confirmed": confirmed})

    def _filled(self, value: Any) -> Any:
        """The value with what earlier calls answered in the place of "$Method.field"."""
        if isinstance(value, dict):
            return {key: self._filled(item) for key, item in value.items()}
        if not isinstance(value, str) or "$" not in value:
            return value
        before, _, path = value.partition("$")
        found: Any = self._known
        for part in path.split("."):
            found = found.get(part, "") if isinstance(found, dict) else ""
        return before + found if before else found


def talk(wire: Wire, method: str, given: dict[str, Any]) -> dict[str, Any]:
    """What a container's process said, and its exit status, over an upgraded connection."""
    told = wire.upgrade(method, **given)
    wire.frame(IN, b"word\n")
    said, status = b"", None
    for destination, data in wire.frames():
        if destination == QUIT:
            status = int.from_bytes(data, "big")
            break
        said += data
    return {**told, "said": said.decode(), "status": status}


def rootfs(busybox: bytes) -> bytes:
    """A root directory of nothing but busybox."""
    return archive({"bin/busybox": busybox}, {f"bin/{name}": "busybox" for name in APPLETS})


def archive(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    """A tar file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            tar.addfile(entry, io.BytesIO(data))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return out.getvalue()


def refuse_used(address: str) -> None:
    """Ends here when the machine holds what some methods would erase."""
    with Wire(address) as wire:
        for method in ("ListContainers", "ListImages", "ListPods"):
            if wire(method):
                raise SystemExit(f"{method} finds some: use a new machine, some methods erase")
        if wire("GetVolumes", all=True):
            raise SystemExit("GetVolumes finds some: use a new machine, some methods erase")


def b2p(tree: Path, *words: str) -> bytes:
    """What a verb prints."""
    ended = subprocess.run([str(tree / "scripts/b2p"), *words], stdout=subprocess.PIPE, check=False)
    if ended.returncode:
        raise SystemExit(ended.returncode)
    return ended.stdout


def show(rows: list[Row]) -> None:
    """The table, and how many of each kind."""
    console = Console()
    names = max(len(row.method) for row in rows)
    answers = max(len(row.answer) for row in rows)
    # The remarks get what the others leave: one of them fills any line.
    left = max(10, console.width - names - answers - 4)
    table = Table(box=None, pad_edge=False)
    table.add_column("method", no_wrap=True, min_width=names)
    table.add_column("answer", no_wrap=True, min_width=answers)
    table.add_column("remark", no_wrap=True, overflow="ellipsis", max_width=left)
    for row in sorted(rows, key=lambda row: row.method):
        table.add_row(row.method, row.answer, escape(row.remark))
    console.print(table)
    answered = sum(row.answer == OK for row in rows)
    console.print(f"{len(rows)} methods: {answered} answered, {len(rows) - answered} refused")


def main() -> None:
    parser = argparse.ArgumentParser(prog="varlink-table")
    parser.add_argument("tree", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("machine", nargs="?", default="default")
    parser.add_argument("--json", action="store_true", help="whole replies, for programs")
    wishes = parser.parse_args()
    line = b2p(wishes.tree, "env", wishes.machine, "--varlink", "--shell", "sh").decode()
    (address,) = shlex.split(line.strip().removesuffix(";").partition("=")[2])
    refuse_used(address)
    busybox = b2p(wishes.tree, "ssh", wishes.machine, "--root", "--", "cat", "/usr/bin/busybox")
    rows = Story(address, busybox).rows()
    if wishes.json:
        json.dump({"schema": 1, "methods": [asdict(row) for row in rows]}, sys.stdout, indent=2)
    else:
        show(rows)


if __name__ == "__main__":
    main()
