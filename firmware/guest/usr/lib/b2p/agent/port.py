"""The virtio-serial port: JSON lines both ways, no polling while the host is away."""

import _signal
import json
import os

# As typing has it, without the time that importing typing takes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_LINE = 1 << 20
SIGIO = 29


class Port:
    """One open virtio-serial port."""

    def __init__(self, path: str) -> None:
        # Blocked before the first SIGIO can come: it stays pending, so none is missed.
        _signal.pthread_sigmask(_signal.SIG_BLOCK, [SIGIO])
        self.file = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._ask_for_sigio()
        self.rest = b""

    @classmethod
    def find(cls, name: str) -> "Port | None":
        """The port of that name; its /dev entry is numbered, sysfs knows the name."""
        root = "/sys/class/virtio-ports"
        for entry in sorted(os.listdir(root)) if os.path.isdir(root) else ():
            with open(f"{root}/{entry}/name") as label:
                if label.read().strip() == name:
                    return cls(f"/dev/{entry}")
        return None

    def _ask_for_sigio(self) -> None:
        import fcntl

        fcntl.fcntl(self.file, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(self.file, fcntl.F_GETFL)
        fcntl.fcntl(self.file, fcntl.F_SETFL, flags | os.O_ASYNC)

    def send(self, message: dict) -> None:
        """Write one line; dropped when the host is not listening."""
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        while line:
            try:
                line = line[os.write(self.file, line) :]
            except OSError:
                return

    def waiting(self) -> "Iterator[dict]":
        """Each well-formed request that has come so far."""
        while True:
            try:
                data = os.read(self.file, 65536)
            except BlockingIOError:
                return
            if not data:
                # The host is away.
                return
            yield from self._lines(data)

    def pause(self, seconds: float | None) -> None:
        """Sleep until something happens (here or at the engine's socket: SIGIO), or so long."""
        if seconds is None:
            _signal.sigwait([SIGIO])
        else:
            _signal.sigtimedwait([SIGIO], seconds)

    def _lines(self, data: bytes) -> "Iterator[dict]":
        *lines, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > LONGEST_LINE:
            self.rest = b""
        for line in lines:
            try:
                request = json.loads(line)
            except ValueError:
                continue
            if isinstance(request, dict):
                yield request
