"""The quick monitor says what the other one says, and fails as it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from b2p.control.errors import GoneError, RefusedError, SilentError
from b2p.control.quick import QuickMonitor
from tests.fakes import HANGS, HANGS_UP, QmpServer, event

if TYPE_CHECKING:
    from pathlib import Path

USERNET = "  TCP[HOST_FORWARD]  24  127.0.0.1 35293  10.0.2.15    22     0     0\r\n"


@pytest.fixture
def socket_path(short: Path) -> Path:
    """Where the monitor listens."""
    return short / "call.sock"


def served(path: Path, **replies: object) -> QmpServer:
    events = {"": [event("NIC_RX_FILTER_CHANGED")], "query-status": [event("RESUME")]}
    named = {name.replace("_", "-"): value for name, value in replies.items()}
    return QmpServer(path, named, events=events)


def test_events_are_passed_over_and_answers_given(socket_path: Path) -> None:
    with served(socket_path, human_monitor_command=USERNET), QuickMonitor(socket_path) as monitor:
        assert monitor.execute("query-status")["status"] == "running"
        (forward,) = monitor.forwards()
        assert (forward.host_port, forward.guest_port) == (35293, 22)


def test_what_qemu_says_to_a_forward_is_a_failure(socket_path: Path) -> None:
    with (
        served(socket_path, human_monitor_command="Could not set up\r\n"),
        QuickMonitor(socket_path) as monitor,
        pytest.raises(RefusedError, match="Could not set up"),
    ):
        monitor.add_forward("net0", "tcp:127.0.0.1:1-:1")


def test_a_forward_that_is_not_there_cannot_end(socket_path: Path) -> None:
    with (
        served(socket_path, human_monitor_command="host forwarding rule for x not found\r\n"),
        QuickMonitor(socket_path) as monitor,
        pytest.raises(RefusedError, match="not found"),
    ):
        monitor.remove_forward("net0", "tcp:127.0.0.1:1")


def test_a_refused_command_is_told(socket_path: Path) -> None:
    with (
        served(socket_path, stop=RuntimeError("no")),
        QuickMonitor(socket_path) as monitor,
        pytest.raises(RefusedError, match="'stop': no"),
    ):
        monitor.execute("stop")


@pytest.mark.parametrize(("reply", "error"), [(HANGS, SilentError), (HANGS_UP, GoneError)])
def test_a_qemu_that_says_nothing_is_not_waited_for(
    socket_path: Path, reply: object, error: type[Exception]
) -> None:
    with (
        served(socket_path, stop=reply),
        QuickMonitor(socket_path, timeout=1) as monitor,
        pytest.raises(error),
    ):
        monitor.execute("stop")


def test_nobody_there(socket_path: Path) -> None:
    with pytest.raises(GoneError), QuickMonitor(socket_path):
        pass


def test_somebody_else_is_served(socket_path: Path) -> None:
    with (
        served(socket_path),
        QuickMonitor(socket_path),
        pytest.raises(SilentError),
        QuickMonitor(socket_path, timeout=0.2),
    ):
        pass
