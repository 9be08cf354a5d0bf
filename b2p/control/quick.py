"""QEMU's monitor for short-lived commands: a few lines of QMP, without asyncio and qemu.qmp.

At the second monitor (call.sock), which serves one client at a time: whoever comes waits a moment.
"""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any, Self

from b2p.control.errors import GoneError, RefusedError, SilentError
from b2p.control.forwarding import Forwarding
from b2p.control.lines import LONGEST, message
from b2p.plain import line

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

SECONDS = 2.0
_CHUNK = 65536


class QuickMonitor(Forwarding):
    """`with QuickMonitor(path) as monitor: monitor.forwards()`; raises as Monitor does."""

    def __init__(self, path: Path, timeout: float = SECONDS) -> None:
        self._path = path
        self._timeout = timeout
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._text = b""

    def __enter__(self) -> Self:
        self._socket.settimeout(self._timeout)
        try:
            self._socket.connect(str(self._path))
            self._heard("QMP")
            self.execute("qmp_capabilities")
        except BlockingIOError as error:  # others wait in its queue already
            self._socket.close()
            raise self._silent() from error
        except TimeoutError as error:
            self._socket.close()
            raise self._silent() from error
        except OSError as error:
            self._socket.close()
            raise self._gone() from error
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def execute(self, command: str, **arguments: object) -> Any:
        """The answer to one QMP command."""
        words = {"execute": command, "arguments": arguments}
        try:
            self._socket.sendall(json.dumps(words).encode() + b"\n")
        except TimeoutError as error:
            raise self._silent() from error
        except OSError as error:
            raise self._gone() from error
        answer = self._heard("return", "error")
        if "return" in answer:
            return answer["return"]
        refusal = answer["error"]
        reason = refusal.get("desc") if isinstance(refusal, dict) else refusal
        raise RefusedError(f"qemu refused {command!r}: {line(str(reason))}")

    def hmp(self, command: str) -> str:
        """What the human monitor says to a line; failures too come as mere text."""
        return str(self.execute("human-monitor-command", **{"command-line": command}))

    def _heard(self, *keys: str) -> dict[str, Any]:
        """The next message that has one of these keys; events are passed over."""
        deadline = time.monotonic() + self._timeout
        while True:
            said, end, rest = self._text.partition(b"\n")
            if end:
                self._text = rest
                found = message(said)
                if found is not None and any(key in found for key in keys):
                    return found
                continue
            try:
                data = self._socket.recv(_CHUNK)
            except TimeoutError as error:
                raise self._silent() from error
            except OSError as error:
                raise self._gone() from error
            if not data:
                raise self._gone()
            self._text += data
            if len(self._text) > LONGEST or time.monotonic() > deadline:
                raise self._silent()

    def _silent(self) -> SilentError:
        return SilentError(
            f"qemu's monitor {str(self._path)!r} did not answer within {self._timeout:g} s",
            "wait for another b2p that talks to the machine, or run 'b2p down --force'",
        )

    def _gone(self) -> GoneError:
        return GoneError(f"no qemu at {str(self._path)!r}", "start it with 'b2p up'")
