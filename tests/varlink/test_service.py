from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes import short_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def service(gateway: Any) -> Any:
    return gateway("service")


@pytest.fixture
def address() -> Iterator[Path]:
    with short_directory() as folder:
        yield folder / "s"


def answers(connection: Any) -> None:
    """Says each byte again."""
    while data := connection.read(1):
        connection.write(data)


def serving(
    service: Any, address: Path, answer: Any = answers, *, idle: float | None = 0.05
) -> threading.Thread:
    listener = service.bound(f"unix:{address}")
    server = service.Server([listener], answer, idle=idle)

    def run() -> None:
        server.run()
        listener.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def client(address: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(5)
    made.connect(str(address))
    return made


def test_it_ends_when_nobody_comes(service: Any, address: Path) -> None:
    thread = serving(service, address)
    thread.join(5)
    assert not thread.is_alive()


def test_it_stays_while_somebody_is_there(service: Any, address: Path) -> None:
    thread = serving(service, address, idle=0.5)
    with client(address) as one:
        thread.join(0.1)
        assert thread.is_alive()
        one.sendall(b"a")
        assert one.recv(1) == b"a"
    thread.join(5)
    assert not thread.is_alive()


def test_fifty_at_once_are_all_answered(service: Any, address: Path) -> None:
    serving(service, address, idle=1)
    clients = [client(address) for _ in range(50)]
    for one in clients:
        one.sendall(b"a")
    assert [one.recv(1) for one in clients] == [b"a"] * 50
    for one in clients:
        one.close()


def test_more_than_there_may_be_wait_for_their_turn(
    service: Any, address: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CLIENT_LIMIT", 2)
    serving(service, address, idle=1)
    first, second, third = (client(address) for _ in range(3))
    third.sendall(b"c")
    third.settimeout(0.1)
    for one in (first, second):
        one.sendall(b"a")
        assert one.recv(1) == b"a"
    with pytest.raises(TimeoutError):
        third.recv(1)
    first.close()
    third.settimeout(5)
    assert third.recv(1) == b"c"
    second.close()
    third.close()


def test_what_a_client_breaks_is_its_own(
    service: Any, gateway: Any, address: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(connection: Any) -> None:
        while call := connection.receive():
            connection.send({"parameters": call})

    serving(service, address, answer, idle=1)
    with client(address) as good, client(address) as bad:
        bad.sendall(b'{"method":"a"}\0not json\0{"method":"b"}\0')
        told = b""
        while data := bad.recv(100):
            told += data
        assert told == b'{"parameters":{"method":"a"}}\0'
        good.sendall(b'{"method":"c"}\0')
        assert b'"c"' in good.recv(100)
    assert "a connection was ended: a call is no JSON" in capsys.readouterr().err


def test_without_threads_a_client_is_turned_away(
    service: Any, address: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    thread = serving(service, address, idle=0.2)

    def none_left(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(service.serving.threading.Thread, "start", none_left)
        with client(address) as one:
            assert one.recv(1) == b""
    assert "turned away" in capsys.readouterr().err
    with client(address) as other:
        other.sendall(b"a")
        assert other.recv(1) == b"a"
    thread.join(5)
    assert not thread.is_alive()


@pytest.mark.parametrize(("peer", "answer"), [("127.0.0.1", b"a"), ("10.0.2.2", b"")])
def test_the_port_is_for_one_peer(service: Any, peer: str, answer: bytes) -> None:
    listener = service.bound("tcp:127.0.0.1:0")
    server = service.Server([listener], answers, idle=0.5, peer=peer)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    with socket.create_connection(listener.getsockname(), 5) as one:
        try:
            one.sendall(b"a")
            told = one.recv(1)
        except ConnectionResetError:
            told = b""
    assert told == answer
    thread.join(5)
    listener.close()


def test_last_words_arrive_at_a_client_that_still_speaks(service: Any) -> None:
    spoken = threading.Event()

    def answer(connection: Any) -> None:
        connection.read(1)
        spoken.wait(5)
        connection.write(b"bye" * 1_000_000)

    listener = service.bound("tcp:127.0.0.1:0")
    threading.Thread(target=service.Server([listener], answer, idle=0.5).run, daemon=True).start()
    with socket.create_connection(listener.getsockname(), 5) as one:
        one.sendall(b"a" * 100_000)
        spoken.set()
        told = 0
        while data := one.recv(1 << 16):
            told += len(data)
            time.sleep(0.0005)  # the rest waits on the other side
    assert told == 3_000_000
    listener.close()


def test_a_client_that_goes_on_speaking_is_left(
    service: Any, address: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.serving, "FAREWELL_SECONDS", 0.05)
    thread = serving(service, address, lambda connection: connection.read(1), idle=0.5)
    with client(address) as one:
        one.sendall(b"aa")
        thread.join(5)
        assert not thread.is_alive()


def test_a_socket_is_for_its_owner_alone(service: Any, address: Path) -> None:
    address.write_text("what an earlier one left")
    listener = service.bound(f"unix:{address};mode=0666")
    assert address.stat().st_mode & 0o777 == 0o600
    listener.close()
    abstract = service.bound(f"unix:@b2p-test-{time.monotonic_ns()}")
    assert abstract.getsockname().startswith(b"\0b2p-test-")
    abstract.close()


def test_the_command_line(service: Any) -> None:
    options = service.Options(["varlink", "--timeout", "500", "unix:/x"])
    assert (options.idle, options.uri) == (0.5, "unix:/x")
    assert service.Options(["--timeout=0"]).idle is None
    assert service.Options(["--peer", "10.0.2.2"]).peer == "10.0.2.2"
    assert service.Options([]).idle == 30


@pytest.mark.parametrize("words", [["--timeout"], ["--timeout", "x"], ["--odd", "1"], []])
def test_a_command_line_that_serves_nothing(
    service: Any, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert service.main(words) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_sockets_that_are_anothers_are_left_alone(
    service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert service.activated() == []
