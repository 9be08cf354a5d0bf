from __future__ import annotations

import json
import os
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.varlink.asking import descriptors, given_back

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1 << 20


@pytest.fixture
def wire(gateway: Any) -> Any:
    return gateway("wire")


@pytest.fixture
def ends(wire: Any) -> Iterator[Any]:
    """A client's socket, and the gateway's end of it."""
    here, there = socket.socketpair()
    with here, there:
        here.settimeout(5)
        there.settimeout(5)
        yield here, wire.Connection(there)


def call(size: int = 0) -> bytes:
    """A call of so many bytes, without its NUL."""
    text = json.dumps({"method": "a.b.C", "parameters": {"x": ""}}).encode()
    return text.replace(b'""', b'"' + b"x" * max(0, size - len(text)) + b'"')


def sent(here: socket.socket, data: bytes) -> threading.Thread:
    def send() -> None:
        with suppress(OSError):  # the other end has had enough
            here.sendall(data)
            here.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


def test_calls_come_in_whole_and_in_order(ends: Any) -> None:
    here, connection = ends
    sent(here, b'{"method":"a"}\0{"method":"b"}\0{"method":"c')
    assert [connection.receive()["method"] for _ in range(2)] == ["a", "b"]
    assert connection.receive() is None


def test_a_call_in_single_bytes(ends: Any) -> None:
    here, connection = ends
    here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    frame = call() + b"\0"

    def drip() -> None:
        for byte in frame:
            here.sendall(bytes((byte,)))

    threading.Thread(target=drip, daemon=True).start()
    assert connection.receive()["method"] == "a.b.C"


def test_a_call_may_be_one_mebibyte_long(ends: Any) -> None:
    here, connection = ends
    sent(here, call(MIB) + b"\0")
    assert len(connection.receive()["parameters"]["x"]) > MIB - 100


@pytest.mark.parametrize("frame", [call(MIB + 1) + b"\0", b"x" * (2 * MIB)])
def test_a_longer_one_ends_the_connection(wire: Any, ends: Any, frame: bytes) -> None:
    here, connection = ends
    thread = sent(here, frame)
    with pytest.raises(wire.MalformedError, match="longer than 1 MiB"):
        connection.receive()
    connection.socket.close()
    thread.join(5)


def test_nothing_is_gathered_beyond_the_limit(wire: Any, ends: Any) -> None:
    here, connection = ends
    thread = sent(here, b" " * (8 * MIB))
    with pytest.raises(wire.MalformedError):
        connection.receive()
    assert len(connection._buffer) <= MIB + wire.CHUNK
    connection.socket.close()
    thread.join(5)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"x",
        b"[]",
        b"{}",
        b"\xff",
        b'{"method": 1}',
        b'{"method": null}',
        b'{"method": "a", "more": 1}',
        b'{"method": "a", "oneway": "yes"}',
        b'{"method": "a", "parameters": {"n": NaN}}',
        b'{"method": "a", "parameters": {"n": ' + b"9" * 5000 + b"}}",
        b"[" * 300_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda frame: repr(frame[:30]),
)
def test_a_malformed_call_ends_the_connection(wire: Any, frame: bytes) -> None:
    with pytest.raises(wire.MalformedError):
        wire.parse(frame)


def test_flags_and_parameters_may_be_null(wire: Any) -> None:
    assert wire.parse(b'{"method": "a", "more": null, "parameters": null}')["method"] == "a"


@given(st.binary(max_size=60))
@settings(max_examples=50)
def test_any_bytes_are_a_call_or_malformed(gateway: Any, frame: bytes) -> None:
    wire = gateway("wire")
    with suppress(wire.MalformedError):
        assert isinstance(wire.parse(frame)["method"], str)


def test_raw_bytes_follow_what_was_read_ahead(ends: Any) -> None:
    here, connection = ends
    sent(here, call() + b"\0" + b"0123456789")
    connection.receive()
    assert connection.read(2) == b"01"
    assert connection.read_exactly(5) == b"23456"
    assert connection.read_exactly(9) == b"789"
    assert connection.read(1) == b""


def test_a_reply_is_json_and_nul(ends: Any) -> None:
    here, connection = ends
    connection.send({"parameters": {"text": "é\ud800"}})
    assert here.recv(100) == b'{"parameters":{"text":"\\u00e9\\ud800"}}\0'


def test_a_client_that_is_gone(wire: Any, ends: Any, tmp_path: Path) -> None:
    here, connection = ends
    here.close()
    with pytest.raises(wire.VanishedError):
        connection.send({"parameters": {}})
    (tmp_path / "file").write_bytes(b"x" * 100)
    with (tmp_path / "file").open("rb") as file, pytest.raises(wire.VanishedError):
        connection.send_file(file, 100)


@pytest.mark.parametrize("length", [0, 1, 300_000])
def test_a_file_is_sent_as_it_is(ends: Any, tmp_path: Path, length: int) -> None:
    here, connection = ends
    content = os.urandom(length)
    (tmp_path / "file").write_bytes(content + b"grown since")
    got = bytearray()

    def take() -> None:
        while data := here.recv(1 << 16):
            got.extend(data)

    thread = threading.Thread(target=take)
    thread.start()
    with (tmp_path / "file").open("rb") as file:
        connection.send_file(file, length)
    connection.socket.close()
    thread.join(5)
    assert bytes(got) == content


def test_a_file_that_has_shrunk_is_no_whole_one(wire: Any, ends: Any, tmp_path: Path) -> None:
    _, connection = ends
    (tmp_path / "file").write_bytes(b"short")
    with (tmp_path / "file").open("rb") as file, pytest.raises(wire.VanishedError, match="5 bytes"):
        connection.send_file(file, 10)


def test_a_watch_tells_of_a_client_that_leaves(wire: Any, ends: Any) -> None:
    here, connection = ends
    left = threading.Event()
    watch = wire.Watch(connection.socket, left.set)
    here.sendall(b"it may say something")
    assert not left.wait(0.02)
    here.close()
    assert left.wait(5)
    watch.stop()


def test_a_watch_that_is_stopped_tells_nothing(wire: Any, ends: Any) -> None:
    here, connection = ends
    before = descriptors()
    left = threading.Event()
    wire.Watch(connection.socket, left.set).stop()
    here.close()
    assert not left.is_set()
    assert given_back(before - 1)
