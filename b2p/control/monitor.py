"""QEMU's monitor (QMP) in short synchronous calls; asyncio and qemu.qmp are kept in here.

One client at a time: a second one on the same socket gets no answer, which is told as SilentError.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Self

from b2p.control import usernet
from b2p.control.errors import GoneError, RefusedError, SilentError
from b2p.control.forwarding import Forwarding

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from pathlib import Path
    from types import TracebackType

logger = logging.getLogger(__name__)

TIMEOUT = 5.0
"""Seconds for an ordinary command."""
FAREWELL = 1.0


def warm_up() -> None:
    """Import what a monitor needs: to be done while something else is waited for."""
    import qemu.qmp  # noqa: F401


def _log_quietly(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a task of qemu.qmp died of is raised by the next call too; asyncio would print it."""
    logger.debug("qmp: %s: %r", context.get("message"), context.get("exception"))


class Monitor(Forwarding):
    """A connection to one QMP socket: `with Monitor(path) as monitor: monitor.execute(...)`.

    Raises GoneError where QEMU is not there or goes away, SilentError where it does not answer in
    time, RefusedError where a command fails. Not to be used from within a running event loop.
    """

    def __init__(self, path: Path, *, timeout: float = TIMEOUT) -> None:
        """`timeout`: seconds for the greeting, and for commands that say nothing else."""
        from qemu.qmp import EventListener, QMPClient

        # It logs what it also raises, and b2p tells the person once.
        logging.getLogger("qemu.qmp").setLevel(logging.CRITICAL)
        self._path = path
        self._timeout = timeout
        self._runner = asyncio.Runner()
        self._runner.get_loop().set_exception_handler(_log_quietly)
        self._client = QMPClient()
        self._listener = EventListener()
        self._client.register_listener(self._listener)
        self._heard: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        from qemu.qmp import ConnectError

        try:
            self._run(self._client.connect(str(self._path)), self._timeout, "its greeting")
        except ConnectError as error:
            self._runner.close()
            raise self._gone(error.exc) from error
        except AssertionError as error:
            # qemu.qmp 0.0.6 asserts that a QEMU which has just greeted has not hung up since.
            self._hang_up()
            raise self._gone(None) from error
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hang_up()

    def _hang_up(self) -> None:
        # A QEMU that has hung up is told here again, as EOFError or OSError: no news.
        with contextlib.suppress(Exception):
            self._runner.run(asyncio.wait_for(self._client.disconnect(), FAREWELL))
        self._runner.close()

    def execute(
        self,
        command: str,
        arguments: Mapping[str, object] | None = None,
        *,
        timeout: float | None = None,
    ) -> Any:
        """The answer to one QMP command."""
        from qemu.qmp import ExecuteError, QMPError

        logger.debug("qmp: %s %s", command, arguments or "")
        try:
            answer = self._run(
                self._client.execute(command, arguments), timeout or self._timeout, command
            )
        except ExecuteError as error:
            message = f"qemu refused {command!r}: {error}"
            raise RefusedError(message, kind=error.error_class) from error
        except (QMPError, EOFError, OSError) as error:
            raise self._gone(error) from error
        logger.debug("qmp: %s -> %s", command, answer)
        return answer

    def hmp(self, line: str, *, timeout: float | None = None) -> str:
        """What the human monitor says to a line; failures too come as mere text."""
        arguments = {"command-line": line}
        return str(self.execute("human-monitor-command", arguments, timeout=timeout))

    def query_uuid(self) -> str:
        """The machine's UUID as QEMU has it."""
        return self._word("query-uuid", "UUID")

    def query_status(self) -> str:
        """QEMU's run state: running, paused, shutdown, guest-panicked, ..."""
        return self._word("query-status", "status")

    def _word(self, command: str, key: str) -> str:
        """One field of the answer to a command; RefusedError where it is not there."""
        answer = self.execute(command)
        if not isinstance(answer, dict) or key not in answer:
            raise RefusedError(f"qemu's answer to {command!r} has no {key!r}")
        return str(answer[key])

    def powerdown(self) -> None:
        """Press the power button; the guest decides what comes of it."""
        self.execute("system_powerdown")

    def quit(self) -> None:
        """End QEMU at once. That it hangs up before it answers is success."""
        with contextlib.suppress(GoneError):
            self.execute("quit")

    def host_port(self, guest_port: int, *, address: str = "127.0.0.1") -> int | None:
        """The host's TCP port that leads to the guest's port, None without one."""
        return usernet.host_port(self.hmp("info usernet"), guest_port, address=address)

    def is_taken(self, chardev: str) -> bool:
        """Whether somebody is connected to a socket chardev, such as "console".

        It serves one client at a time and lets the next ones wait without a word. QEMU's own word
        for a free one is a file name that begins with "disconnected:".
        """
        answer = self.execute("query-chardev")
        for one in answer if isinstance(answer, list) else []:
            if isinstance(one, dict) and one.get("label") == chardev:
                return not str(one.get("filename")).startswith("disconnected:")
        return False

    def wait_for(self, *names: str, timeout: float) -> dict[str, Any] | None:
        """The first event of one of these names since the connection began, each given once.

        None when none came within `timeout` seconds. Raises GoneError when QEMU hangs up.
        """
        try:
            return self._runner.run(asyncio.wait_for(self._event(names), timeout))
        except TimeoutError:
            return None

    async def _event(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Read events until one fits; the others are kept for later."""
        while True:
            # What is heard is looked through before the hang-up: SHUTDOWN comes right before it.
            self._heard += [dict(event) for event in self._listener.clear()]
            for event in self._heard:
                if event["event"] in names:
                    self._heard.remove(event)
                    return event
            await self._news()

    async def _news(self) -> None:
        """Return when an event has come; raise GoneError when the connection is over."""
        from qemu.qmp import Runstate

        if self._client.runstate is not Runstate.RUNNING:
            raise self._gone(None)
        event = asyncio.ensure_future(self._listener.get())
        change = asyncio.ensure_future(self._client.runstate_changed())
        try:
            await asyncio.wait({event, change}, return_when=asyncio.FIRST_COMPLETED)
            if event.done():
                self._heard.append(dict(event.result()))
        finally:
            event.cancel()
            change.cancel()

    def _run(self, call: Coroutine[Any, Any, Any], timeout: float, what: str) -> Any:
        try:
            return self._runner.run(asyncio.wait_for(call, timeout))
        except TimeoutError as error:
            raise SilentError(
                f"qemu's monitor {str(self._path)!r} did not give {what} within {timeout:g} s",
                "wait for another b2p that talks to the machine, or run 'b2p down --force'",
            ) from error

    def _gone(self, error: BaseException | None) -> GoneError:
        reasons: dict[type[BaseException], str] = {
            FileNotFoundError: "it does not exist",
            ConnectionRefusedError: "nobody listens there",
            PermissionError: "you may not use it",
        }
        reason = reasons.get(type(error or EOFError()), "it hung up")
        return GoneError(f"no qemu at {str(self._path)!r}: {reason}", "start it with 'b2p up'")
