"""Names of machines, answered to containers; all else is asked of the name server."""

from __future__ import annotations

import socket
import struct
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2p import firmware
from b2p.image import firmware_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATH = "guest/usr/lib/b2p/peer_names.py"
HOSTS = (
    "127.0.0.1 localhost\n10.178.178.2 b b.b2p.internal\n10.178.178.3 My_db my_db.b2p.internal\n"
)
A, AAAA = 1, 28


def loaded() -> Any:
    module = ModuleType("peer_names")
    text = firmware_files.filled((firmware.directory() / PATH).read_bytes())
    exec(compile(text, PATH, "exec"), module.__dict__)
    return module


MODULE = loaded()


@pytest.fixture
def names(tmp_path: Path) -> Any:
    (tmp_path / "hosts").write_text(HOSTS)
    return MODULE.Names(str(tmp_path / "hosts"))


def question(name: str, kind: int = A, more: bytes = b"") -> bytes:
    """A question as resolvers send it."""
    labels = b"".join(bytes([len(one)]) + one.encode() for one in name.split("."))
    return b"\x12\x34\x01\0\0\1\0\0\0\0\0\0" + labels + struct.pack(">BHH", 0, kind, 1) + more


def told(message: bytes) -> tuple[int, int, bytes]:
    """An answer's status, its number of records, and its last four bytes."""
    flags, _, count = struct.unpack_from(">HHH", message, 2)
    return flags & 0xF, count, message[-4:]


@pytest.mark.parametrize("name", ["b", "B", "b.b2p.internal", "B.b2p.Internal"])
def test_a_machines_address_is_told(names: Any, name: str) -> None:
    asked = question(name)
    found = MODULE.answer(asked, names)
    assert told(found) == (0, 1, bytes((10, 178, 178, 2)))
    # The question comes back as it was, with its number; RFC 1035, 4.1.
    assert found[:2] == b"\x12\x34"
    assert found[12 : len(asked)] == asked[12:]
    assert found[2] == 0x85
    assert found[3] == 0x80


def test_what_a_resolver_adds_of_its_own_does_not_come_back(names: Any) -> None:
    options = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
    asked = question("my_db")
    found = MODULE.answer(asked + options, names)
    assert found == MODULE.answer(asked, names)
    assert told(found)[2] == bytes((10, 178, 178, 3))


def test_a_machine_has_no_address_of_ipv6(names: Any) -> None:
    assert told(MODULE.answer(question("b", AAAA), names))[:2] == (0, 0)


def test_a_machine_that_is_not_there_is_asked_of_nobody_else(names: Any) -> None:
    assert told(MODULE.answer(question("c.b2p.internal"), names))[:2] == (3, 0)


@pytest.mark.parametrize("name", ["c", "debian.org", "b.debian.org", "localhost", "xb2p.internal"])
def test_other_names_are_the_name_servers(names: Any, name: str) -> None:
    assert MODULE.answer(question(name), names) is None


def test_a_change_of_the_names_is_seen(names: Any, tmp_path: Path) -> None:
    assert MODULE.answer(question("c"), names) is None
    (tmp_path / "new").write_text(HOSTS + "10.178.178.4 c\n")
    (tmp_path / "new").replace(tmp_path / "hosts")
    assert told(MODULE.answer(question("c"), names))[2] == bytes((10, 178, 178, 4))


class Fixed:
    """Names that are all known."""

    def address(self, _name: str) -> str:
        """The same one."""
        return "10.178.178.1"


@given(st.binary(max_size=80) | st.binary(max_size=40).map(question("b").__add__))
def test_whatever_is_asked_is_answered_in_form_or_handed_on(message: bytes) -> None:
    found = MODULE.answer(message, Fixed())
    assert found is None or (found[:2] == message[:2] and found[2] & 0x80)


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        one.settimeout(5)
        yield one


@pytest.fixture
def service(names: Any, server: socket.socket) -> Any:
    return MODULE.Service(("127.0.0.1", 0), server.getsockname(), names)


@pytest.fixture
def asker(service: Any) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(5)
        one.connect(service.socket.getsockname())
        yield one
    service.socket.close()


def test_the_name_servers_answer_is_handed_back(
    service: Any, server: socket.socket, asker: socket.socket
) -> None:
    asker.send(question("debian.org"))
    service.serve(5)
    message, sender = server.recvfrom(1000)
    assert message == question("debian.org")
    # Meanwhile others are answered.
    asker.send(question("b"))
    service.serve(5)
    assert told(asker.recv(1000))[2] == bytes((10, 178, 178, 2))
    server.sendto(b"whatever it is", sender)
    service.serve(5)
    assert asker.recv(1000) == b"whatever it is"
    assert not service._waiting


def test_a_name_server_that_is_silent_or_gone_keeps_nobody(
    service: Any, server: socket.socket, asker: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULE, "MOST_WAITING", 3)
    for _ in range(5):
        asker.send(question("debian.org"))
        service.serve(5)
    assert len(service._waiting) == 3
    monkeypatch.setattr(MODULE.time, "monotonic", lambda: 1e12)
    service.serve(0)
    assert not service._waiting
    monkeypatch.undo()
    server.close()
    for _ in range(2):
        # Refused at once: that is read from the question's own socket.
        asker.send(question("debian.org"))
        service.serve(5)
    service.serve(0.2)
    asker.send(question("b"))
    service.serve(5)
    assert told(asker.recv(1000))[1] == 1
