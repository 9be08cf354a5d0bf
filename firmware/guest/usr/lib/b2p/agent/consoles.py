"""Shells on screen and serial port of a machine that no b2p looks after, and what they say."""

import os

import network
import power

ISSUE = "/etc/issue"
SERIAL = "/proc/tty/driver/serial"
SCREEN = "tty1"
NO_KEY = (
    "Nobody's ssh key is known here. Bring one on a disk (docs: Export), or for now:\n"
    "  echo 'ssh-ed25519 AAAA...' | tee -a /run/b2p/keys/root /run/b2p/keys/core\n"
)


def begin(*, standalone: bool, keyed: bool, problems: "list[str]") -> None:
    """Start them; whoever sits there owns the machine, as with any live system."""
    where = network.addresses() if standalone else []
    with open(ISSUE, "w") as file:
        file.write(text(where, keyed=keyed, problems=problems))
    for console in [SCREEN] * standalone + serial_ports():
        if os.path.exists(f"/dev/{console}"):
            power.start_unit(f"b2p-tty@{console}.service")


def text(where: "list[str]", *, keyed: bool, problems: "list[str]") -> str:
    """How the machine is reached."""
    lines = [
        "b2p: podman is ready.\n",
        *(
            f"  ssh core@{address}\n"
            f"  podman --url ssh://root@{address}/run/podman/podman.sock info\n"
            f'  PODMAN_VARLINK_BRIDGE="ssh root@{address} varlink'
            " -A 'podman varlink \\$VARLINK_ADDRESS' bridge\"\n"
            for address in where
        ),
    ]
    if not keyed:
        lines.append(NO_KEY)
    lines += [f"{problem}\n" for problem in problems]
    # agetty takes backslashes for words of its own.
    return "".join(lines).replace("\\", "\\\\") + "\n"


def serial_ports() -> "list[str]":
    """The ports with hardware behind them; the kernel lists some without."""
    try:
        with open(SERIAL) as table:
            rows = [line.split() for line in table]
    except OSError:
        return []
    return [f"ttyS{row[0][:-1]}" for row in rows if len(row) > 1 and "16550" in row[1]][:1]
