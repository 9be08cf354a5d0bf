"""QEMU's monitor: answers, failures told apart, events kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from b2p.control.errors import GoneError, RefusedError, SilentError
from b2p.control.monitor import Monitor
from tests.fakes import HANGS, HANGS_UP, UUID, QmpServer, event

if TYPE_CHECKING:
    import socket
    from pathlib import Path


def test_a_command_gives_its_answer(short: Path) -> None:
    with QmpServer(short / "q", {"query-x": [1, 2]}) as server, Monitor(short / "q") as monitor:
        assert monitor.execute("query-x", {"a": "b"}) == [1, 2]
        assert server.heard[-1]["arguments"] == {"a": "b"}


def test_uuid_and_status_are_asked(short: Path) -> None:
    with QmpServer(short / "q"), Monitor(short / "q") as monitor:
        assert monitor.query_uuid() == UUID
        assert monitor.query_status() == "running"


def test_a_refusal_carries_qemus_words_and_class(short: Path) -> None:
    with QmpServer(short / "q"), Monitor(short / "q") as monitor:
        with pytest.raises(RefusedError, match="'bogus': The command bogus has not") as caught:
            monitor.execute("bogus")
        assert caught.value.kind == "GenericError"
        assert monitor.query_uuid() == UUID


def test_a_missing_socket_is_a_qemu_that_is_gone(short: Path) -> None:
    with pytest.raises(GoneError, match="does not exist"), Monitor(short / "q"):
        pass


def test_a_socket_that_nobody_listens_on_is_a_qemu_that_is_gone(short: Path) -> None:
    with QmpServer(short / "q"):
        (short / "kept").hardlink_to(short / "q")
    with pytest.raises(GoneError, match="nobody listens"), Monitor(short / "kept"):
        pass


def test_a_qemu_that_hangs_up_as_soon_as_it_has_greeted_is_gone_and_prints_nothing(
    short: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    class Hasty(QmpServer):
        def _answer(self, peer: socket.socket, command: dict[str, Any]) -> bool:
            super()._answer(peer, command)
            return False

    with Hasty(short / "q"):
        for _ in range(20):
            # It is seen by the connection or, a moment later, by the first command.
            with pytest.raises(GoneError, match="hung up"), Monitor(short / "q") as monitor:
                monitor.query_uuid()
    assert capfd.readouterr().err == ""


def test_a_monitor_that_does_not_greet_is_silent(short: Path) -> None:
    with QmpServer(short / "q", mute=True):
        begun = time.monotonic()
        with pytest.raises(SilentError, match=r"its greeting within 0\.1 s"):
            Monitor(short / "q", timeout=0.1).__enter__()
        assert time.monotonic() - begun < 30


def test_a_second_client_is_told_of_silence_and_the_first_goes_on(short: Path) -> None:
    with QmpServer(short / "q"), Monitor(short / "q") as monitor:
        with pytest.raises(SilentError):
            Monitor(short / "q", timeout=0.1).__enter__()
        assert monitor.query_uuid() == UUID


def test_a_command_without_an_answer_ends_at_its_timeout(short: Path) -> None:
    with QmpServer(short / "q", {"stop": HANGS}), Monitor(short / "q") as monitor:
        with pytest.raises(SilentError, match="stop within"):
            monitor.execute("stop", timeout=0.1)
        assert monitor.query_uuid() == UUID


def test_a_qemu_that_dies_in_a_command_is_gone(short: Path) -> None:
    with QmpServer(short / "q", {"stop": HANGS_UP}), Monitor(short / "q") as monitor:
        with pytest.raises(GoneError, match="hung up"):
            monitor.execute("stop")
        with pytest.raises(GoneError):
            monitor.execute("stop")


@pytest.mark.parametrize("reply", [{}, HANGS_UP])
def test_quit_succeeds_whether_or_not_it_is_answered(short: Path, reply: object) -> None:
    with QmpServer(short / "q", {"quit": reply}), Monitor(short / "q") as monitor:
        monitor.quit()


def test_an_event_that_came_earlier_is_not_lost(short: Path) -> None:
    events = {"": [event("RESUME"), event("SHUTDOWN", guest=True), event("STOP")]}
    with QmpServer(short / "q", events=events), Monitor(short / "q") as monitor:
        monitor.query_uuid()
        shutdown = monitor.wait_for("SHUTDOWN", timeout=2)
        assert shutdown is not None
        assert shutdown["data"] == {"guest": True}
        assert monitor.wait_for("STOP", "RESUME", timeout=2) == event("RESUME")
        assert monitor.wait_for("SHUTDOWN", timeout=0.05) is None


def test_an_event_right_before_the_hang_up_is_heard(short: Path) -> None:
    events = {"quit": [event("SHUTDOWN")]}
    with QmpServer(short / "q", events=events), Monitor(short / "q") as monitor:
        monitor.quit()
        assert monitor.wait_for("SHUTDOWN", timeout=2) == event("SHUTDOWN")
        with pytest.raises(GoneError):
            monitor.wait_for("SHUTDOWN", timeout=2)


def test_a_port_that_is_taken_is_a_refusal(short: Path) -> None:
    text = "Could not set up host forwarding rule 'tcp:127.0.0.1:1-:2'\r\n"
    replies = {"human-monitor-command": text}
    with QmpServer(short / "q", replies) as server, Monitor(short / "q") as monitor:
        with pytest.raises(RefusedError, match="Could not set up"):
            monitor.add_forward("net0", "tcp:127.0.0.1:1-:2")
        line = "hostfwd_add net0 tcp:127.0.0.1:1-:2"
        assert server.heard[-1]["arguments"] == {"command-line": line}


def test_a_forward_that_qemu_takes_is_no_error(short: Path) -> None:
    with QmpServer(short / "q", {"human-monitor-command": ""}), Monitor(short / "q") as monitor:
        monitor.add_forward("net0", "tcp:127.0.0.1:1-:2")


def test_ending_a_forward_that_is_not_there_is_a_refusal(short: Path) -> None:
    text = "host forwarding rule for tcp:127.0.0.1:1 not found\r\n"
    replies = {"human-monitor-command": text}
    with (
        QmpServer(short / "q", replies),
        Monitor(short / "q") as monitor,
        pytest.raises(RefusedError, match="not found"),
    ):
        monitor.remove_forward("net0", "tcp:127.0.0.1:1")


def test_a_console_that_somebody_is_attached_to_is_taken(short: Path) -> None:
    chardevs = [
        {"label": "console", "filename": "unix:/x/c.sock,server=on", "frontend-open": True},
        {"label": "control", "filename": "disconnected:unix:/x/d.sock,server=on"},
    ]
    with QmpServer(short / "q", {"query-chardev": chardevs}), Monitor(short / "q") as monitor:
        assert monitor.is_taken("console")
        assert not monitor.is_taken("control")
        assert not monitor.is_taken("none")
