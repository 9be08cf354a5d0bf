"""Which machines run, asked of many at once."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from b2p.control.liveness import Answer, Life, answers, ask_all
from tests.fakes import HANGS_UP, UUID, QmpServer

if TYPE_CHECKING:
    from pathlib import Path


def test_a_machine_with_its_uuid_is_there(short: Path) -> None:
    with QmpServer(short / "q"):
        assert answers(short / "q", UUID.upper())
        assert ask_all({"a": (short / "q", UUID)}) == {"a": Answer(Life.THERE, "running")}


def test_the_run_state_is_qemus_word(short: Path) -> None:
    replies = {"query-status": {"status": "guest-panicked", "running": False}}
    with QmpServer(short / "q", replies):
        assert ask_all({"a": (short / "q", UUID)}, 30)["a"].run_state == "guest-panicked"


def test_another_machines_qemu_is_a_stranger(short: Path) -> None:
    with QmpServer(short / "q", uuid="0" * 8):
        assert ask_all({"a": (short / "q", UUID)})["a"].life is Life.STRANGER
        assert not answers(short / "q", UUID)


def test_no_socket_and_nobody_listening_are_both_absent(short: Path) -> None:
    with QmpServer(short / "q"):
        (short / "kept").hardlink_to(short / "q")
    found = ask_all({"a": (short / "kept", UUID), "b": (short / "no", UUID)})
    assert {one.life for one in found.values()} == {Life.ABSENT}


def test_a_qemu_that_hangs_up_is_absent(short: Path) -> None:
    with QmpServer(short / "q", {"query-uuid": HANGS_UP}):
        assert ask_all({"a": (short / "q", UUID)})["a"].life is Life.ABSENT


def test_many_that_hang_cost_one_timeout_and_hide_none(short: Path) -> None:
    with ExitStack() as stack:
        for number in range(10):
            stack.enter_context(QmpServer(short / f"{number}", mute=number != 3))
        begun = time.monotonic()
        found = ask_all({str(n): (short / f"{n}", UUID) for n in range(10)}, timeout=1)
        assert time.monotonic() - begun < 5
    assert list(found) == [str(number) for number in range(10)]
    assert [key for key, one in found.items() if one.life is Life.THERE] == ["3"]
    assert found["4"].life is Life.SILENT


def test_garbage_instead_of_qmp_is_not_a_machine(short: Path) -> None:
    replies = {"query-uuid": ["?"], "query-status": None}
    with QmpServer(short / "q", replies):
        assert ask_all({"a": (short / "q", UUID)})["a"].life is Life.STRANGER


def test_asking_imports_neither_asyncio_nor_qemu_qmp() -> None:
    code = "import b2p.control.liveness, sys; print({'asyncio', 'qemu.qmp'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert said.stdout == b"set()\n"
