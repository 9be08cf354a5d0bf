"""The gateway that runs in a guest: its table, its frames and its spool, without podman."""

from __future__ import annotations

import importlib
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from b2p import firmware

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = "guest/usr/lib/b2p"
METHODS_OF_1_9_3 = 97


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What imports a module of it by name."""
    monkeypatch.syspath_prepend(str(firmware.directory() / FOLDER))
    yield lambda name: importlib.import_module(f"varlink_gateway.{name}")
    for name in [name for name in sys.modules if name.partition(".")[0] == "varlink_gateway"]:
        del sys.modules[name]


def described() -> set[str]:
    text = (firmware.directory() / FOLDER / "varlink_gateway/io.podman.varlink").read_text()
    return set(re.findall(r"^method (\w+)", text, re.MULTILINE))


def test_all_methods_of_the_last_interface_are_described(gateway: Any) -> None:
    assert len(described()) == METHODS_OF_1_9_3
    assert set(gateway("table").METHODS) == described()


def test_each_method_has_a_function_in_its_room(gateway: Any) -> None:
    for name, method in gateway("table").METHODS.items():
        room = gateway(f"rooms.{method.room}")
        assert callable(getattr(room, method.function, None)), name


def test_a_call_is_parsed(gateway: Any) -> None:
    call = gateway("wire").parse(b'{"method": "io.podman.Ps", "parameters": {}, "more": true}')
    assert (call["method"], call["more"]) == ("io.podman.Ps", True)


@pytest.mark.parametrize(
    "frame",
    [b"", b"x", b"[]", b"{}", b'{"method": 1}', b'{"method": "a", "parameters": []}',
     b'{"method": "a", "more": 1}', b'{"method": "a", "parameters": {"n": NaN}}', b"\xff",
     b"[" * 9999],
)  # fmt: skip
def test_a_malformed_call_ends_the_connection(gateway: Any, frame: bytes) -> None:
    wire = gateway("wire")
    with pytest.raises(wire.Malformed):
        wire.parse(frame)


def test_a_path_is_one_of_the_spool(gateway: Any, tmp_path: Path) -> None:
    spool = gateway("spool").Spool(str(tmp_path))
    spool.prepare()
    assert spool.inside("/tmp/a.tar") == str(tmp_path / "tmp/a.tar")


@pytest.mark.parametrize("path", ["", "/", "..", "../x", "a/../../x", "a\0b"])
def test_no_path_leads_out_of_the_spool(gateway: Any, tmp_path: Path, path: str) -> None:
    spool = gateway("spool").Spool(str(tmp_path))
    spool.prepare()
    with pytest.raises(gateway("errors").VarlinkError):
        spool.inside(path)


def test_a_link_does_not_lead_out_of_the_spool(gateway: Any, tmp_path: Path) -> None:
    spool = gateway("spool").Spool(str(tmp_path))
    spool.prepare()
    (tmp_path / "out").symlink_to("/etc")
    with pytest.raises(gateway("errors").VarlinkError):
        spool.inside("out/passwd")
