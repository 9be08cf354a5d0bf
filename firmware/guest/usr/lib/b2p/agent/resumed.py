"""What a machine does when it wakes from a saved state: new randomness, no dead connections."""

import addresses
import engine
import power

RNDRESEEDCRNG = 0x5207


def reseed(entropy: bytes) -> None:
    """No two resumes of one state may make the same keys."""
    import fcntl

    with open("/dev/urandom", "wb", buffering=0) as pool:
        pool.write(entropy)
        fcntl.ioctl(pool, RNDRESEEDCRNG)


def connections() -> list[int]:
    """The host's ports of all connections with it."""
    host = "".join(f"{int(part):02X}" for part in reversed(addresses.GATEWAY.split(".")))
    return peers(engine.tcp_table(), host)


def peers(table: str, host: str) -> list[int]:
    """The other end's ports in /proc/net/tcp of all established connections with that address."""
    rows = (line.split() for line in table.splitlines()[1:])
    return [
        int(row[2].partition(":")[2], 16)
        for row in rows
        if len(row) > 3 and row[2].startswith(f"{host}:") and row[3] == engine.ESTABLISHED
    ]


def sever(ports: list[int]) -> None:
    """End those connections: nobody else would tell the programs that wait for a word in them."""
    if ports:
        words = " or ".join(f"dport = {port}" for port in ports).split()
        power.run("/usr/bin/ss", "-tnHK", "dst", addresses.GATEWAY, "and", "(", *words, ")")
