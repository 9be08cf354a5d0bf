"""The user core has the number of the host's person: in mounts each has what is the other's."""

import os

PASSWD = "/etc/passwd"
HOME = "/home/core"
NAME = "core"
SUBORDINATE = range(100_000, 1_100_000)
"""What core's containers have as numbers of their own: /etc/subuid."""


def be(number: int) -> None:
    """Give core that number and what is below its home; nothing where it is somebody else's.

    core's programs are of the old number still, where there are any: then it stays.
    """
    with open(PASSWD) as file:
        lines = file.readlines()
    accounts = {line.split(":", 1)[0]: line for line in lines}
    old = int(accounts[NAME].split(":")[2])
    if old != number:
        others = {int(line.split(":")[2]) for line in lines}
        if number in others or number in SUBORDINATE or os.path.exists(f"/run/user/{old}/bus"):
            return
        _write([_numbered(line, number) if line is accounts[NAME] else line for line in lines])
    if (owner := os.stat(HOME).st_uid) != number and owner != 0:
        _give(HOME, owner, number)


def _numbered(line: str, number: int) -> str:
    fields = line.split(":")
    fields[2] = str(number)
    return ":".join(fields)


def _write(lines: "list[str]") -> None:
    """In one step: a machine without its users lets nobody in."""
    aside = f"{PASSWD}.new"
    with open(aside, "w") as file:
        file.writelines(lines)
    os.chmod(aside, 0o644)
    os.replace(aside, PASSWD)


def _give(path: str, owner: int, number: int) -> None:
    """What is that owner's below a directory of its own file system; the top last, as a mark."""
    device = os.stat(path).st_dev
    for _, folders, files, descriptor in os.fwalk(path, topdown=True, follow_symlinks=False):
        if os.fstat(descriptor).st_dev != device:
            folders.clear()
            continue
        for name in (*folders, *files):
            if os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_uid == owner:
                os.chown(name, number, -1, dir_fd=descriptor, follow_symlinks=False)
    os.chown(path, number, -1)
