"""Who a machine without a host to tell it is, from one start to the next: kept on its data disk."""

import os

import disk
import power

NAME = "b2p"
PLACE = disk.MOUNT_POINT + "/b2p"
RUN = "/run/b2p-known"
"""Where it is kept as long as it runs, without a data disk."""
HOST_KEY = "ssh_host_ed25519_key"


def place() -> str:
    """The directory; made where it is lacking."""
    found = PLACE if os.path.ismount(disk.MOUNT_POINT) else RUN
    os.makedirs(found, mode=0o700, exist_ok=True)
    return found


def keys(fresh: "list[str]") -> "list[str]":
    """The ssh keys of a format-me disk, kept when they are fresh."""
    path = f"{place()}/authorized_keys"
    if fresh:
        _write(path, "\n".join(fresh) + "\n")
    try:
        with open(path) as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


def machine_id() -> str:
    """32 hexadecimal digits, made once."""
    path = f"{place()}/machine-id"
    if not os.path.exists(path):
        _write(path, os.urandom(16).hex() + "\n")
    with open(path) as file:
        return file.read().strip()


def host_keys() -> "dict[str, str]":
    """sshd's own key by the name of its file, made once."""
    path = f"{place()}/{HOST_KEY}"
    if not os.path.exists(path):
        for left in (f"{path}.new", f"{path}.new.pub"):
            if os.path.exists(left):
                os.unlink(left)
        words = ("-q", "-t", "ed25519", "-N", "", "-C", NAME, "-f", f"{path}.new")
        power.run("/usr/bin/ssh-keygen", *words)
        os.replace(f"{path}.new.pub", f"{path}.pub")
        os.replace(f"{path}.new", path)
    with open(path) as file:
        return {HOST_KEY: file.read()}


def _write(path: str, text: str) -> None:
    file = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(file, text.encode())
    os.fsync(file)
    os.close(file)
    os.replace(f"{path}.new", path)
